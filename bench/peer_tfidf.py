"""TF-IDF of words and of character runs with logistic regression in scikit-learn: the usual way to classify prompts.

usage: peer_tfidf.py FILE.jsonl [ROUNDS]

Trains on the rows (text, label) and classifies each of them by itself, as a router would. Prints a JSON object with the
microseconds at the median and the 99th percentile, each prompt counting with its fastest of all rounds.
"""

import json
import sys
import time

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union


def main():
    with open(sys.argv[1], encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["label"] != "embed"]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    features = make_union(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2),
                          TfidfVectorizer(sublinear_tf=True, analyzer="char", ngram_range=(1, 5), min_df=3))
    model = make_pipeline(features, LogisticRegression(C=20, max_iter=100))
    texts = [row["text"] for row in rows]
    model.fit(texts, [row["label"] for row in rows])
    best = [float("inf")] * len(texts)
    for _ in range(rounds):
        for i, text in enumerate(texts):
            begin = time.perf_counter()
            model.predict_proba([text])
            best[i] = min(best[i], (time.perf_counter() - begin) * 1e6)
    best.sort()
    print(json.dumps({"prompts": len(texts), "text_p50_us": round(best[len(best) // 2], 1),
                      "text_p99_us": round(best[len(best) * 99 // 100], 1)}))


main()
