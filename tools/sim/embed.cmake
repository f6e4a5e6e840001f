# Writes the demo scenario as a C array: cmake -DINPUT=demo.json -DOUTPUT=demo.c -P embed.cmake
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "((0x..,){16})" "    \\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "#include \"demo.h\"\n\nconst char sim_demo_text[] = {\n${bytes}\n    0};\n"
  "const size_t sim_demo_length = sizeof sim_demo_text - 1;\n")
