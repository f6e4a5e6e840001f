"""banned.py LIBRARY: the library and its sources use nothing that an embedded library must not."""

import re
import subprocess
import sys

import api

# What ends, prints to, or changes the host's process.
PROCESS = """exit _exit _Exit quick_exit abort __assert __assert_fail __assert_perror_fail atexit
 printf vprintf puts putchar putc fputs fputc fprintf vfprintf perror psignal stdin stdout stderr error warn warnx err errx
 system popen fork vfork execve execv execvp execl execlp execle posix_spawn posix_spawnp daemon
 signal sigaction sigset bsd_signal sigprocmask alarm setitimer raise kill sleep usleep
 setlocale uselocale setenv putenv unsetenv clearenv chdir fchdir umask setrlimit srand rand srandom random
 syslog openlog getopt getopt_long dlclose
 curl_global_init_mem curl_global_cleanup cJSON_InitHooks""".split()
# What cannot be used safely: unbounded, not thread-safe, or open to the environment of a set-uid host.
UNSAFE = """getenv gets strcpy strcat stpcpy sprintf vsprintf sscanf scanf fscanf strtok strerror asctime ctime localtime gmtime
 gethostbyname gethostbyaddr inet_ntoa inet_addr tmpnam tempnam mktemp alloca atoi atol atoll atof
 getpwnam getpwuid readdir_r ttyname select""".split()
# The library's own memory goes through core/alloc.
MEMORY = "malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf".split()
ALLOWED = {"src/core/alloc.c": set(MEMORY)}

_COMMENT_OR_STRING = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", re.S)


def plain(symbol):
    """The name in the source of a symbol: without version, fortification and alias decorations."""
    name = symbol.partition("@")[0]
    name = re.sub(r"^__(\w+)_chk$", r"\1", name)
    return re.sub(r"^__isoc\d\d_", "", name)


def main():
    problems = []
    listing = subprocess.run(["nm", "-D", "--undefined-only", sys.argv[1]], check=True, capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        symbol = line.split()[-1]
        if plain(symbol) in PROCESS + UNSAFE:
            problems.append(f"library: refers to {symbol}")

    pattern = re.compile(r"(?<![\w.>])(" + "|".join(PROCESS + UNSAFE + MEMORY) + r")\s*\(")
    streams = re.compile(r"\b(stdout|stderr|stdin)\b")
    for source in sorted((api.ROOT / "src").rglob("*.[ch]")):
        name = str(source.relative_to(api.ROOT))
        code = _COMMENT_OR_STRING.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), source.read_text(encoding="utf-8"))
        for number, line in enumerate(code.splitlines(), 1):
            for match in list(pattern.finditer(line)) + list(streams.finditer(line)):
                if match[1] not in ALLOWED.get(name, ()):
                    problems.append(f"{name}:{number}: {match[1]}")
            if re.match(r"\s*static (?!const\b|inline\b|_Thread_local\b|_Atomic\b)[^()]*(=[^()]*)?;", line) \
                    and " const " not in line:
                problems.append(f"{name}:{number}: mutable static: {line.strip()}")
    api.finish(problems)


main()
