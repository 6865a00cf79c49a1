#!/usr/bin/env python3
"""The steps that need no model: `steps.py STEP`, the payload on stdin, the result on stdout."""
import html
import json
import os
import pathlib
import sys
import tempfile

FACTS = ["Begin with less than you think.", "Ask somebody who has done it for a year.",
         "Write down what you change, and when.", "Look at it again after a month."]


def fail(name, message):
    print(json.dumps({"errorType": name, "errorMessage": message}))
    sys.exit(1)


def collect_answers(payload):
    answers = {}
    for field in ("name", "email", "topic"):
        value = payload["form"].get(field, "")
        if not isinstance(value, str) or not value.strip():
            fail("AnswerMissing", f"the form has no {field}")
        answers[field] = value.strip()
    if "@" not in answers["email"]:
        fail("AnswerInvalid", f"{answers['email']} is no e-mail address")
    return answers


def research_topic(payload):
    return {"topic": payload["topic"], "points": FACTS[:payload["count"]]}


def render_page(payload):
    paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in payload["text"].splitlines() if line.strip())
    return {"html": f"<!doctype html><title>{html.escape(payload['title'])}</title>{paragraphs}"}


def deliver_link(payload):
    """The same run writes the same file, however often the step is done."""
    folder = pathlib.Path(os.environ.get("LEAD_MAGNET_DIR") or pathlib.Path(tempfile.gettempdir()) / "pawl-lead-magnets")
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / (os.environ["PAWL_RUN_ID"] + ".html")
    page.write_text(payload["html"], encoding="utf-8")
    return {"link": page.resolve().as_uri(), "email": payload["email"]}


STEPS = {"collect-answers": collect_answers, "research-topic": research_topic,
         "render-page": render_page, "deliver-link": deliver_link}


def main():
    step = STEPS.get(sys.argv[1])
    if not step:
        fail("Lambda.ResourceNotFoundException", f"there is no step {sys.argv[1]}; there are {', '.join(STEPS)}")
    print(json.dumps(step(json.load(sys.stdin)), ensure_ascii=False))


if __name__ == "__main__":
    main()
