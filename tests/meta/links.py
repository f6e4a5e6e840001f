"""Relative links in the documentation lead to files of the tree, and anchors to headings."""

import re

import api

LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def anchors(path):
    found = set()
    for heading in re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M):
        word = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        found.add(word)
    return found


def main():
    problems = []
    pages = [*api.ROOT.glob("*.md"), *(api.ROOT / "docs").rglob("*.md"), *(api.ROOT / "examples").rglob("*.md")]
    for page in sorted(pages):
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
        for match in LINK.finditer(text):
            target = match[1] or match[2]
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            path = (page.parent / name).resolve() if name else page
            where = f"{page.relative_to(api.ROOT)}: link to {target}"
            if not path.exists():
                problems.append(f"{where}: no such file")
            elif anchor and path.suffix == ".md" and anchor not in anchors(path):
                problems.append(f"{where}: no such heading")
    api.finish(problems)


main()
