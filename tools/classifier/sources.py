#!/usr/bin/env python3
"""Collects training rows from public repositories, each at a fixed commit, into one JSONL file.

usage: sources.py --out FILE [--repos FOLDER]

Nothing of the texts is kept in this project. FOLDER holds clones named OWNER+NAME (bare or not); a missing one is
cloned there. The last line printed is the SHA-256 of the file, which sources.sha256 records.

A source is (name, repository, commit, licence, languages, reader); its reader yields (text, label, language). Labels
follow the definitions in README.md. What is reserved for evaluation (see README.md) must not be added here.
"""
import argparse
import csv
import gzip
import hashlib
import io
import json
import pathlib
import pickle
import random
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree

csv.field_size_limit(1 << 30)


class Repo:
    def __init__(self, folder, name, commit):
        self.path = folder / name.replace("/", "+")
        if (self.path / "repo").is_dir():
            self.path = self.path / "repo"
        self.commit = commit
        if not self.path.is_dir():
            subprocess.run(["git", "clone", "--quiet", "--filter=blob:none", "--no-checkout",
                            f"https://github.com/{name}", str(self.path)], check=True)

    def _git(self, *arguments):
        return subprocess.run(["git", "-C", str(self.path), *arguments], check=True, capture_output=True).stdout

    def data(self, path):
        return self._git("show", f"{self.commit}:{path}")

    def text(self, path):
        return self.data(path).decode("utf-8")

    def json(self, path):
        return json.loads(self.text(path))

    def lines(self, path):
        return [json.loads(line) for line in self.text(path).split("\n") if line.strip()]

    def names(self, under):
        return self._git("ls-tree", "-r", "--name-only", self.commit, under).decode().split("\n")[:-1]


# --- Labels of open collections ---

EXPLAIN = re.compile(r"^(why|how (?!many|much|old|long|far|tall|big|high|often|hot|deep|large|fast|wide|heavy|late|early)"
                     r"|explain|describe|what (is|are) the (difference|best|benefits|advantages|reasons?|pros)"
                     r"|what (should|could|can|do|would) (i|we|you)|can you (help|tell me (about|how))|tell me about"
                     r"|give me (some|an? (idea|list))|should i)", re.I)


def short_question(text):
    """fast or chat for a question of one line."""
    return "chat" if EXPLAIN.match(text) else "fast"


def options(choices, style):
    """Choices in one of the ways that exams write them."""
    marks = ["{}. {}", "({}) {}", "{}．{}", "{}) {}"]
    gap = "\n" if style % 3 else " "
    return gap + gap.join(marks[style % 4].format("ABCDEFGH"[i], choice) for i, choice in enumerate(choices))


def one_line(text):
    return re.sub(r"\s+", " ", text).strip()


# --- Readers: talk, writing, advice ---

def longwriter(repo):
    for row in repo.lines("evaluation/longbench_write.jsonl"):
        yield row["prompt"], "chat", "zh" if re.search(r"[一-鿿]", row["prompt"]) else "en"


def writingbench(repo):
    for row in repo.lines("benchmark_query/requirement/length/length_subset_C.jsonl"):
        yield row["query"], "chat", row.get("lang", "")


def counsel(repo):
    for row in csv.DictReader(io.StringIO(repo.text("data/counselchat-data.csv"))):
        title, question = one_line(row["questionTitle"] or ""), one_line(row["questionText"] or "")
        yield (f"{title} {question}" if len(question) > 20 and row["questionID"][-1] in "0123456789" else title or question), "chat", "en"


def roleplay(repo):
    for row in repo.json("Roleplay/roleplay-simple-deduped-roleplay-instruct.json"):
        yield f"{row['instruction']}\n{row['input']}".strip(), "chat", "en"


def red_team(repo):
    """First utterances of people to an assistant; advice and talk but for short questions of fact."""
    for line in gzip.decompress(repo.data("harmless-base/test.jsonl.gz")).decode().split("\n"):
        if not line:
            continue
        text = json.loads(line)["chosen"].split("\n\nHuman:")[1].split("\n\nAssistant:")[0].strip()
        if len(text) > 12 and not re.match(r"(who|when|where|which|what(?! (is|are) (the|some) (best|good|way))|how (many|much|old)|is |are |was )", text, re.I):
            yield text, "chat", "en"


def kdconv(repo):
    """Openings of talk about films, music and travel."""
    for topic in ("film", "music", "travel"):
        for talk in repo.json(f"data/{topic}/test.json"):
            text = talk["messages"][0]["message"]
            if len(text) > 8 and not re.search(r"(谁|哪|什么时候|多少|几|查|地址|时间)", text):
                yield text, "chat", "zh"


CHINESE = {"GENERATION": "chat", "DIALOGUE": "chat", "ETHICS": "chat", "LITERATURE": "chat", "ENTERTAINMENT": "chat",
           "OQA": "chat", "CODE": "code", "REASONING": "reason"}


def chinese_llama(repo):
    for kind, label in CHINESE.items():
        table = repo.text(f"examples/f16-p7b-p13b-33b/{kind}.md").split("## 测试样例")[-1]
        for row in re.findall(r"^\|\s*\d+\s*\|\s*(.+?)\s*\|", table, re.M):
            text = re.sub(r"<br\s*/?>", "\n", row).replace("**", "").strip()
            if len(text) > 3:
                fact = label == "chat" and len(text) < 24 and re.search(r"(是谁|哪里|哪个|哪一|多少|什么时候|出自|几)", text)
                yield text, "fast" if fact else label, "zh"


def shortcut(repo):
    """Role and task prompts, translated; those on programming are code."""
    for language in ("de", "fr", "es", "ja", "zh"):
        for row in repo.json(f"src/data/prompt_{language}.json"):
            text = row[language].get("description") or ""
            if len(text) > 20:
                yield text, "code" if "code" in row.get("tags", []) else "chat", language


# Read one by one; the others are chat.
ELYZA = {"reason": (17, 25, 26, 44, 46, 48, 49, 51, 54, 58, 62, 64, 89, 99),
         "fast": (19, 22, 27, 28, 30, 40, 42, 45, 47, 52, 53, 63, 67, 78, 88)}


def elyza(repo):
    rows = repo.lines("assets/elyza/ELYZA-japanese-Llama-2-7b-instruct/dataset.jsonl")
    for number, row in enumerate(rows):
        label = next((label for label, numbers in ELYZA.items() if number in numbers), "chat")
        yield row["input_text"], label, "ja"


# --- Readers: code ---

def codegen(repo):
    for row in repo.json("Codegen/codegen-instruct.json"):
        yield f"{row['instruction']}\n{row['input']}".strip(), "code", "en"


def staqc(repo):
    path = ("annotation_tool/data/code_solution_labeled_data/source/"
            "sql_how_to_do_it_by_classifier_multiple_qid_to_title.pickle")
    for _, title in sorted(pickle.loads(repo.data(path), encoding="latin1").items()):
        yield title, "code", "en"


def cosqa(repo):
    for row in repo.json("data/qa/cosqa-dev.json"):
        yield row["doc"], "code", "en"


def nl2bash(repo):
    for line in repo.text("data/bash/all.nl").split("\n"):
        if line.strip():
            yield line.strip(), "code", "en"


def naturalcode(repo):
    for language in ("python", "java"):
        for spoken in ("en", "zh"):
            for row in repo.lines(f"problems/ncb_{language}_{spoken}.jsonl"):
                # The first line is the benchmark's own, the same in all rows.
                head, _, rest = row["prompt"].partition("\n")
                yield (rest.strip() if len(rest.strip()) > 40 else head), "code", spoken


def mbpp(repo):
    for row in repo.json("data/python/mbpp/ic_mbpp.json"):
        yield row["query"], "code", "en"


def bird(repo):
    for row in repo.json("data/sql/bird/ic_bird.json"):
        yield "Write an SQL query: " + row["query"], "code", "en"


def pandas_questions(repo):
    for part in ("Pandas", "Numpy", "Matplotlib", "Sklearn", "Pytorch"):
        for row in repo.lines(f"codefuseEval/data/codedatascience/CodeCompletion/{part}/{part}.jsonl"):
            text = row.get("prompt") or ""
            text = re.sub(r"^\s*Problem:\s*", "", text).split("A:\n<code>")[0].strip()
            if len(text) > 30:
                yield text, "code", "en"


FIX = {"en": ["Fix the bug in this code:\n", "This function does not work, what is wrong?\n", "Why does this fail?\n",
              "Review the following program and repair it.\n"],
       "de": ["Finde den Fehler in diesem Code:\n", "Warum funktioniert diese Funktion nicht?\n"],
       "fr": ["Corrige le bug dans ce code :\n", "Pourquoi cette fonction ne marche-t-elle pas ?\n"],
       "es": ["Corrige el error de este código:\n", "¿Por qué no funciona esta función?\n"],
       "zh": ["请修复下面代码中的错误：\n", "这段代码为什么运行不正确？\n"],
       "ja": ["次のコードのバグを直してください。\n", "この関数はなぜ動かないのですか？\n"]}


def quixbugs(repo):
    languages = sorted(FIX)
    for number, name in enumerate(repo.names("python_programs/") + repo.names("java_programs/")):
        if not name.endswith((".py", ".java")) or "test" in name:
            continue
        language = languages[number % len(languages)] if number % 2 else "en"
        code = re.sub(r'"""[\s\S]*?"""|^package .*$', "", repo.text(name), flags=re.M).strip()
        asks = FIX[language]
        yield asks[number // 2 % len(asks)] + code, "code", language

WEB = re.compile(r"HTML|CSS|JavaScript|\bJS\b|DOM\b|[Aa]jax|AJAX|jQuery|HTTP|doctype|JSON|API|[Cc]ookies?|`|CORS|SVG|GET", re.I)
INTERVIEW = {"french": "fr", "german": "de", "japanese": "ja", "spanish": "es", "chinese": "zh"}


def interview(repo):
    """What front-end developers are asked: programming without code."""
    for name in ("css", "html", "javascript", "network", "performance"):
        for text in re.findall(r"^\* (.+)$", repo.text(f"src/questions/{name}-questions.md"), re.M):
            yield text, "code", "en"
    for folder, language in INTERVIEW.items():
        for text in re.findall(r"^[*-] (.+)$", repo.text(f"src/translations/{folder}/README.md"), re.M):
            if WEB.search(text) and "](" not in text:
                yield re.sub(r"[*_]", "", text).strip(), "code", language


QUIZ = {"README.md": "en", "de-DE/README.md": "de", "es-ES/README-ES.md": "es", "fr-FR/README_fr-FR.md": "fr",
        "ja-JA/README-ja_JA.md": "ja", "zh-CN/README-zh_CN.md": "zh"}


def javascript_quiz(repo):
    for path, language in QUIZ.items():
        for ask, program in re.findall(r"^#{4,6} \d+\\?\. (.+?)\n+```\w*\n(.+?)```", repo.text(path), re.M | re.S):
            yield f"{ask}\n\n{program}".strip(), "code", language


def tldr(repo):
    """What commands do, in an imperative: what one would ask a shell for."""
    for language in ("de", "es", "fr", "ja", "zh"):
        for name in repo.names(f"pages.{language}/common/"):
            found = re.findall(r"^- (.+?)[:：]?$", repo.text(name), re.M)
            if found and len(found[-1]) > 12:
                yield found[-1], "code", language


def japanese_code(repo):
    for line in gzip.decompress(repo.data("data/jhuman-eval.jsonl.gz")).decode().split("\n"):
        if line:
            yield json.loads(line)["prompt"].strip(), "code", "ja"


def outputs(repo):
    asks = ["What does this print?\n\n{code}\nprint(f({input}))", "{code}\n\nWhat is the result of f({input})?",
            "For which input does this function return {output}?\n```python\n{code}\n```"]
    for number, row in enumerate(repo.lines("data/cruxeval.jsonl")):
        yield asks[number % 3].format(**row), "code", "en"


def geography(repo):
    tree = xml.etree.ElementTree.fromstring(re.sub(r"<!DOCTYPE[\s\S]*?\]>", "", repo.text(
        "data/non-sql-data/geography-multilingual.xml")))
    for node in tree.iter("nl"):
        if node.get("lang") in ("de", "en"):
            yield re.sub(r" ([.?!,])", r"\1", one_line(node.text)), "fast", node.get("lang")


# --- Readers: reasoning ---

def theoremqa(repo):
    for row in repo.json("theoremqa_test.json"):
        if not row.get("Picture"):
            yield row["Question"], "reason", "en"


def scibench(repo):
    for name in ("atkins", "class", "thermo", "stat", "fund", "matter", "diff", "calculus", "quan", "chemmc"):
        for row in repo.json(f"dataset/original/{name}.json"):
            yield row["problem_text"].strip(), "reason", "en"


def tal(repo):
    for part, language in (("ch", "zh"), ("en", "en")):
        for row in repo.lines(f"{part}_single_choice_constructed_5K/{part}_single_choice_test_2K.jsonl"):
            text = row["problem"].replace("$$", "").strip()
            if int(row["qid"]) % 2:
                text += options([option[0]["content"].replace("$$", "").strip() for option in row["answer_option_list"]],
                                int(row["qid"]) // 2)
            yield text, "reason", language


def math23k(repo):
    data, decoder, at = repo.text("math23k_test.json"), json.JSONDecoder(), 0
    while at < len(data.rstrip()):
        row, at = decoder.raw_decode(data, at)
        at += len(data[at:]) - len(data[at:].lstrip())
        yield row["original_text"], "reason", "zh"


MSVAMP = {"German": "de", "French": "fr", "Spanish": "es", "Japanese": "ja", "Chinese": "zh", "English": "en"}


def msvamp(repo):
    for name, language in MSVAMP.items():
        for row in repo.lines(f"step1_supervised_finetuning/data/msvamp/test_{name}.json"):
            yield row["m_query"], "reason", language


def folio(repo):
    asks = ["Is the following statement true, false or uncertain?", "Does this follow?", "True, false, or unknown?"]
    for number, row in enumerate(repo.lines("data/v0.0/folio-validation.jsonl")):
        yield " ".join(row["premises"]) + f"\n{asks[number % 3]} {row['conclusion']}", "reason", "en"


def deduction(repo):
    for row in repo.lines("scripts/eval/local_data/symbolic_problem_solving/bigbench_logical_deduction.jsonl"):
        yield one_line(row.get("query") or row.get("context") or ""), "reason", "en"


def operators(repo):
    for name in ("bigbench_operators", "bigbench_repeat_copy_logic"):
        for row in repo.lines(f"scripts/eval/local_data/symbolic_problem_solving/{name}.jsonl"):
            yield one_line(row["context"]), "reason", "en"

# Multiple choice, as in examinations.
JMMLU = ("elementary_mathematics", "high_school_mathematics", "high_school_statistics", "formal_logic", "college_physics",
         "conceptual_physics", "high_school_chemistry", "astronomy", "professional_accounting", "logical_fallacies")


def exams_ja(repo):
    for subject in JMMLU:
        for number, row in enumerate(csv.reader(io.StringIO(repo.data(f"JMMLU/{subject}.csv").decode("utf-8-sig")))):
            yield row[0].strip() + options(row[1:5], number), "reason", "ja"


SCHOOL = {"German": "de", "French": "fr", "Spanish": "es"}


def exams(repo):
    packed = tarfile.open(fileobj=io.BytesIO(repo.data("data/exams/multilingual/test.jsonl.tar.gz")))
    data = packed.extractfile(next(item for item in packed if item.isfile())).read().decode()
    for number, line in enumerate(data.split("\n")):
        row = json.loads(line) if line else {"info": {"language": ""}}
        if row["info"]["language"] in SCHOOL:
            question = row["question"]
            yield (question["stem"].strip() + options([choice["text"].strip() for choice in question["choices"]], number),
                   "reason", SCHOOL[row["info"]["language"]])


# --- Readers: quick answers ---

def trivia(repo):
    for row in repo.lines("scripts/eval/local_data/world_knowledge/triviaqa_sm_sub.jsonl"):
        yield re.sub(r"^Question:\s*|\s*Answer:\s*$", "", row["context"]).strip(), "fast", "en"


def arc(repo):
    for row in repo.lines("scripts/eval/local_data/world_knowledge/arc_easy.jsonl"):
        text = re.sub(r"^Question:\s*|\s*Answer:\s*$", "", row["query"]).strip()
        if len(text) < 140 and short_question(text) == "fast":
            yield text, "fast", "en"


def arc_choices(repo):
    """Exam questions with their choices."""
    for number, row in enumerate(repo.lines("scripts/eval/local_data/world_knowledge/arc_challenge.jsonl")):
        question = re.sub(r"^Question:\s*|\s*Answer:\s*$", "", row["query"]).strip()
        yield question + options(row["choices"], number), "reason", "en"


PASSAGE = {"zh": ["请总结下面这段文字：\n{}", "从下文中提取所有人名和地名：\n{}", "请用更通俗的语言改写这段话：{}",
                  "把下面的文章翻译成英文：\n{}", "{}\n\n给这段文字起一个标题。", "阅读以下内容并写出你的评论：\n{}",
                  "{}\n请概括上文的主要观点。"],
           "en": ["Summarize the following text:\n{}", "Rewrite this in simpler words: {}", "{}\n\nWhat are the main points?",
                  "List all names and places in this passage.\n\n{}", "Write a headline and a teaser for this:\n{}",
                  "Translate this paragraph into German:\n{}", "{}\n\nTL;DR", "Proofread this text: {}"]}


def passages_zh(repo):
    for number, article in enumerate(repo.json("squad-style-data/cmrc2018_dev.json")["data"]):
        text = article["paragraphs"][0]["context"]
        yield PASSAGE["zh"][number % len(PASSAGE["zh"])].format(text[:200 + number % 5 * 100]), "chat", "zh"


def passages_en(repo):
    for number, row in enumerate(repo.lines("scripts/eval/local_data/reading_comprehension/boolq.jsonl")):
        text = re.sub(r"^Passage:\s*", "", row["query"]).split("\nQuestion:")[0].strip()
        yield PASSAGE["en"][number % len(PASSAGE["en"])].format(text), "chat", "en"


def opentrivia(repo):
    for name in repo.names("categories/"):
        for question in re.findall(r"^#Q (.+)$", repo.data(name).decode("utf-8", "replace"), re.M):
            if question.endswith("?"):
                yield question, "fast", "en"


# What people typed into a question site. What neither pattern matches is left out.
ASKS_FACT = re.compile(r"^(who|when|where|which|what (year|day|date|time|colou?r|state|country|city|team|language|number|type of)\b"
                       r"|what is the (name|capital|population|height|weight|length|date|size|formula|symbol|plural|opposite)"
                       r"|how (many|much|old|far|tall|long|big|high|often)\b|(is|was|are|did|does) [a-z]+ )", re.I)
ASKS_TALK = re.compile(r"^(why\b|how (do|does|did|can|could|to|would|should|has|have|was|were|is|are)\b|what (causes?|caused|happens)\b"
                       r"|what (is|are|were|was) (the|some) (difference|purpose|importance|relationship|effect|cause|history|benefit"
                       r"|advantage|disadvantage|reason|way|step|example|role|process|good|best|pros)|what are some|what do|what did)", re.I)


def wellformed(repo):
    for row in csv.reader(io.StringIO(repo.text("dev.tsv") + repo.text("test.tsv")), delimiter="\t"):
        text = re.sub(r" \?$", "?", row[0])
        if ASKS_TALK.match(text):
            yield text, "chat", "en"
        elif ASKS_FACT.match(text) and len(text) % 5 < 2:
            yield text, "fast", "en"


def snips(repo):
    folder = "2017-06-custom-intent-engines"
    for name in ("GetWeather", "PlayMusic", "AddToPlaylist", "BookRestaurant", "RateBook", "SearchCreativeWork",
                 "SearchScreeningEvent"):
        rows = json.loads(repo.data(f"{folder}/{name}/train_{name}.json").decode("latin1"))[name]
        for row in rows[:60]:
            yield "".join(part["text"] for part in row["data"]).strip(), "fast", "en"


HOME = {"en": "en", "de": "de", "fr": "fr", "es": "es", "ja": "ja", "zh-cn": "zh"}


def home(repo):
    for folder, language in HOME.items():
        for name in repo.names(f"tests/{folder}/"):
            for sentence in re.findall(r"^      - [\"']?(.+?)[\"']?$", repo.text(name), re.M)[:6]:
                if not re.search(r"[{}<>|\[\]:]", sentence):
                    yield sentence, "fast", language


def quiz_ja(repo):
    for name in ("aio_01_dev1", "aio_02_dev"):
        for row in csv.DictReader(io.StringIO(repo.text(f"data/aio/{name}.txt")), delimiter="\t"):
            yield row["original_question"], "fast", "ja"


def _passages(data):
    for article in data:
        for paragraph in article["paragraphs"]:
            yield paragraph["qas"][0]["question"].strip()


def cmrc(repo):
    for text in _passages(repo.json("squad-style-data/cmrc2018_dev.json")["data"]):
        yield text, "chat" if re.search(r"(为什么|为何|如何|怎么|怎样|原因)", text) else "fast", "zh"


def drcd(repo):
    for text in _passages(repo.json("DRCD_dev.json")["data"]):
        yield text, "chat" if re.search(r"(為什麼|為何|如何|怎麼|怎樣|原因)", text) else "fast", "zh"

WHY_JA = re.compile(r"(なぜ|どうして|どうすれば|どのよう|どうやって|理由|方法|アドバイス|おすすめ|ヒント|アイデア|違い|について|教えて|作り方|すべき|べきですか|意見|書いて|手伝)")
FACT_JA = re.compile(r"(いつ(?!も)|どこの|どこに|誰|だれ|何年|何人|何歳|いくつ|いくら|何という|とは何ですか)")
OPINION_JA = re.compile(r"(最適|最高|最良|最も|一番|利点|合う|いつ頃|すれば|たら)")


def jemhop(repo):
    for row in repo.json("corpus/dev.json"):
        yield row["question"], "fast", "ja"


def jaquad(repo):
    for text in _passages(repo.json("data/dev/jaquad_dev_0000.json")["data"]):
        if not WHY_JA.search(text):
            yield text, "fast", "ja"


def first_words_ja(repo):
    """First utterances of people to an assistant, put into Japanese by hand."""
    for row in repo.lines("data/data.jsonl"):
        text = row["utterances"][0]["text"].strip()
        fact = FACT_JA.search(text) and not WHY_JA.search(text) and not OPINION_JA.search(text)
        if not fact or len(text) < 40:
            yield text, "fast" if fact else "chat", "ja"


def commands(repo):
    for language in ("de", "ja", "zh"):
        for sentence in re.findall(r"^# text = (.+)$", repo.text(f"data/xSID-0.7/{language}.test.conll"), re.M):
            yield sentence if language == "de" else re.sub(r"(?<=[^ -~]) | (?=[^ -~])", "", sentence), "fast", language


TROUBLES = ("Mental_Health", "Ethics_And_Morality", "Physical_Harm", "Inquiry_With_Unsafe_Opinion")


def troubles(repo):
    """Worries and questions of conscience, translated."""
    for folder, language in (("de", "de"), ("sp", "es"), ("fr", "fr"), ("ja", "ja"), ("zh", "zh")):
        rows = [one_line(row[0]) for name in TROUBLES
                for row in csv.reader(io.StringIO(repo.data(f"{folder}/{name}.csv").decode("utf-8-sig"))) if row]
        random.Random(language).shuffle(rows)
        for text in rows[:20]:
            yield text, "chat", language


def qald(repo):
    for row in repo.json("data/qald_9_plus_test_dbpedia.json")["questions"]:
        for part in row["question"]:
            if part["language"] in ("en", "de", "fr", "es"):
                yield part["string"], "fast", part["language"]


# --- Readers: images ---

SEEN = re.compile(r"\b(image|picture|photo|figure|chart|diagram|screenshot|shown|graph|painting|map|logo|scene|meme)\b", re.I)


def mmvet(repo):
    for text in re.findall(r"\*\*Q\*\*: (.+)", repo.text("README_more_samples.md")):
        yield text, "vision", "en"


def pope(repo):
    for row in repo.lines("output/coco/coco_pope_random.json"):
        yield row["text"], "vision", "en"


def lrv(repo):
    for row in repo.json("Evaluation/evaluation_set.json"):
        yield row["question"], "vision", "en"


def vqa(repo):
    for row in csv.DictReader(io.StringIO(repo.text("hit3.0/csvs/sorted_by_difference_no_pilot.csv"))):
        yield row["questionStr"].strip('"'), "vision", "en"


def screen(repo):
    for row in repo.json("short_answers/test.json"):
        yield row["question"], "vision", "en"


# name, repository, commit, licence, most rows, reader
SOURCES = [
    ("longwriter", "THUDM/LongWriter", "3fcfdff43dec", "Apache-2.0", 120, longwriter),
    ("writingbench", "X-PLUG/WritingBench", "ae2d5176449b", "Apache-2.0", 120, writingbench),
    ("counsel-chat", "nbertagnolli/counsel-chat", "e202e19c5002", "MIT", 120, counsel),
    ("gpteacher-roleplay", "teknium1/GPTeacher", "481075123c29", "MIT", 120, roleplay),
    ("hh-harmless", "anthropics/hh-rlhf", "354e5c3cb896", "MIT", 150, red_team),
    ("kdconv", "thu-coai/KdConv", "653db76432de", "Apache-2.0", 50, kdconv),
    ("chatgpt-shortcut", "wzx140/ChatGPT-Shortcut", "86a8a5b30662", "MIT", 300, shortcut),
    ("elyza-tasks", "Northern-System-Service/gpt4-autoeval", "75413eaad90c", "CC-BY-SA-4.0", 100, elyza),
    ("chinese-llama", "ymcui/Chinese-LLaMA-Alpaca", "090475fbebcc", "Apache-2.0", 200, chinese_llama),
    ("gpteacher-codegen", "teknium1/GPTeacher", "481075123c29", "MIT", 100, codegen),
    ("staqc", "LittleYUYU/StackOverflow-Question-Code-Dataset", "81b74afb40b2", "CC-BY-4.0", 120, staqc),
    ("cosqa", "Jun-jie-Huang/CoCLR", "14ebcacf9e9b", "MIT", 100, cosqa),
    ("nl2bash", "TellinaTool/nl2bash", "466c5fe873ab", "MIT", 80, nl2bash),
    ("naturalcodebench", "THUDM/NaturalCodeBench", "268e85044a44", "Apache-2.0", 120, naturalcode),
    ("mbpp", "princeton-nlp/intercode", "c3e46d827cfc", "MIT", 60, mbpp),
    ("bird", "princeton-nlp/intercode", "c3e46d827cfc", "MIT", 40, bird),
    ("ds-1000", "codefuse-ai/codefuse-evaluation", "09a4f2af5bdc", "Apache-2.0", 100, pandas_questions),
    ("quixbugs", "jkoppel/QuixBugs", "4257f44b0ff1", "MIT", 80, quixbugs),
    ("theoremqa", "wenhuchen/TheoremQA", "585c960f647b", "MIT", 120, theoremqa),
    ("scibench", "mandyyyyii/scibench", "e14e0ca3d3db", "MIT", 120, scibench),
    ("tal-scq5k", "math-eval/TAL-SCQ5K", "8a66d6e14c65", "MIT", 160, tal),
    ("math23k", "SCNU203/Math23k", "b1135a5dddc7", "MIT", 60, math23k),
    ("msvamp", "microsoft/MathOctopus", "4d385db696c4", "MIT", 180, msvamp),
    ("folio", "Yale-LILY/FOLIO", "5d7bb84c7eda", "CC-BY-SA-4.0", 80, folio),
    ("bigbench-deduction", "mosaicml/llm-foundry", "8c8dd48f7216", "Apache-2.0", 60, deduction),
    ("bigbench-operators", "mosaicml/llm-foundry", "8c8dd48f7216", "Apache-2.0", 60, operators),
    ("triviaqa", "mosaicml/llm-foundry", "8c8dd48f7216", "Apache-2.0", 120, trivia),
    ("arc-easy", "mosaicml/llm-foundry", "8c8dd48f7216", "CC-BY-SA-4.0", 60, arc),
    ("arc-challenge", "mosaicml/llm-foundry", "8c8dd48f7216", "CC-BY-SA-4.0", 90, arc_choices),
    ("boolq-passages", "mosaicml/llm-foundry", "8c8dd48f7216", "CC-BY-SA-3.0", 70, passages_en),
    ("cmrc-passages", "ymcui/cmrc2018", "c0eb1b6ba219", "CC-BY-SA-4.0", 70, passages_zh),
    ("opentriviaqa", "uberspot/OpenTriviaQA", "dd31530bfbb1", "CC-BY-SA-4.0", 100, opentrivia),
    ("wellformedness", "google-research-datasets/query-wellformedness", "fb69c2141619", "CC-BY-SA-4.0", 360, wellformed),
    ("snips", "sonos/nlu-benchmark", "b86ac7f15778", "CC0-1.0", 100, snips),
    ("home-assistant", "home-assistant/intents", "aa550032a57b", "CC-BY-4.0", 240, home),
    ("aio", "cl-tohoku/quiz-datasets", "aabe06f84bb1", "CC-BY-SA-4.0", 120, quiz_ja),
    ("cmrc2018", "ymcui/cmrc2018", "c0eb1b6ba219", "CC-BY-SA-4.0", 100, cmrc),
    ("drcd", "DRCKnowledgeTeam/DRCD", "b944790de5af", "CC-BY-SA-3.0", 60, drcd),
    ("qald-9-plus", "KGQA/QALD_9_plus", "5b116c9b53ca", "CC-BY-4.0", 90, qald),
    ("geoquery", "jkkummerfeld/text2sql-data", "5050bad2309a", "see its LICENSE.md", 100, geography),
    ("mm-vet", "yuweihao/MM-Vet", "acde843e02da", "Apache-2.0", 80, mmvet),
    ("pope", "RUCAIBox/POPE", "3df3ba1b110e", "MIT", 30, pope),
    ("lrv", "FuxiaoLiu/LRV-Instruction", "0a5ab538ed96", "BSD-3-Clause", 100, lrv),
    ("ambiguous-vqa", "esteng/ambiguous_vqa", "54f54cc12120", "MIT", 100, vqa),
    ("screenqa", "google-research-datasets/screen_qa", "1dfdbccaf569", "CC-BY-4.0", 80, screen),
    ("frontend-interview", "h5bp/Front-end-Developer-Interview-Questions", "c8023cdcc4e1", "MIT", 120, interview),
    ("javascript-questions", "lydiahallie/javascript-questions", "a8b427b9f7f9", "MIT", 60, javascript_quiz),
    ("tldr", "tldr-pages/tldr", "08e345f42639", "CC-BY-4.0", 80, tldr),
    ("jhuman-eval", "KuramitsuLab/jhuman-eval", "def32e75b363", "MIT", 30, japanese_code),
    ("cruxeval", "facebookresearch/cruxeval", "190faf16d175", "MIT", 40, outputs),
    ("jmmlu", "nlp-waseda/JMMLU", "762cbf192c9e", "CC-BY-SA-4.0", 60, exams_ja),
    ("exams", "mhardalov/exams-qa", "f859e665de6c", "CC-BY-SA-4.0", 90, exams),
    ("jemhopqa", "aiishii/JEMHopQA", "fed5024f4f39", "CC-BY-SA-4.0", 40, jemhop),
    ("jaquad", "SkelterLabsInc/JaQuAD", "23f5d72cc273", "CC-BY-SA-3.0", 50, jaquad),
    ("instruction-ja", "megagonlabs/instruction_ja", "a72a5d05fd14", "MIT", 150, first_words_ja),
    ("xsid", "mainlp/xsid", "761d926c3f2e", "CC-BY-SA-4.0", 90, commands),
    ("xsafety", "Jarviswang94/Multilingual_safety_benchmark", "8c55b6a6cda5", "Apache-2.0", 100, troubles),
]


def pick(rows, most, name):
    """At most so many distinct rows, the same ones each time."""
    seen, distinct = set(), []
    for text, label, language in rows:
        text = text.strip()
        if text and text not in seen and len(text) < 20000:
            seen.add(text)
            distinct.append((text, label, language))
    random.Random(name).shuffle(distinct)
    return distinct[:most]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--repos", type=pathlib.Path, default=pathlib.Path("build/classifier/repos"))
    arguments = parser.parse_args()
    arguments.repos.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, where, commit, licence, most, reader in SOURCES:
        rows = pick(reader(Repo(arguments.repos, where, commit)), most, name)
        for number, (text, label, language) in enumerate(rows):
            lines.append(json.dumps({"id": f"{name}-{number}", "text": text, "label": label, "lang": language,
                                     "source": where, "licence": licence, "family": name}, ensure_ascii=False))
        print(f"{name}: {len(rows)}", file=sys.stderr)
    data = ("\n".join(lines) + "\n").encode()
    arguments.out.write_bytes(data)
    print(f"{len(lines)} rows, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
