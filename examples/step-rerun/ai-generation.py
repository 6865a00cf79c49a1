#!/usr/bin/env python3
"""An AI-generation step: its payload becomes a chat, the model's answer its result.

The payload: {"instruction": TEXT, "previous_steps": {STEP: OUTPUT, ...}}. The result:
{"text", "model", "tokens"}. Any endpoint with OpenAI's chat completions will do:

    OPENAI_BASE_URL  https://api.openai.com/v1, http://127.0.0.1:11434/v1, ... Required
    OPENAI_API_KEY   sent as bearer token; leave it out where none is asked for
    OPENAI_MODEL     gpt-4o-mini without it

A failure's name says whether trying again helps: Model.Busy and Model.Unreachable may pass.
"""
import json
import os
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 120
ANSWER_MAX = 8 << 20


def fail(name, message):
    """Ends the step in the words of a Lambda function."""
    print(json.dumps({"errorType": name, "errorMessage": message}))
    sys.exit(1)


def chat_of(payload):
    context = payload.get("previous_steps") or {}
    # What the step is and what it knows of: `pawl logs` shows it.
    print(f"processing step {os.environ.get('PAWL_STATE_NAME', '?')!r}; previous steps in its context: "
          + (", ".join(context) or "none"), file=sys.stderr)
    known = "\n".join(f"{step}: {json.dumps(output, ensure_ascii=False)}" for step, output in context.items())
    return [{"role": "system", "content": "You write one document. What is known so far:\n" + known},
            {"role": "user", "content": payload["instruction"]}]


def ask(base, messages):
    headers = {"Content-Type": "application/json"}
    if os.environ.get("OPENAI_API_KEY"):
        headers["Authorization"] = "Bearer " + os.environ["OPENAI_API_KEY"]
    body = {"model": os.environ.get("OPENAI_MODEL") or "gpt-4o-mini", "messages": messages}
    request = urllib.request.Request(base.rstrip("/") + "/chat/completions", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.loads(answer.read(ANSWER_MAX))
    except urllib.error.HTTPError as e:
        text = e.read(2000).decode("utf-8", "replace")
        if e.code == 401:
            fail("Model.Unauthorized", f"{base} does not take the key in OPENAI_API_KEY: {text}")
        fail("Model.Busy" if e.code == 429 or e.code >= 500 else "Model.Refused", f"{base} answered {e.code}: {text}")
    except (OSError, urllib.error.URLError) as e:
        fail("Model.Unreachable", f"{base} cannot be reached: {e}. See OPENAI_BASE_URL.")
    except ValueError as e:
        fail("Model.AnswerInvalid", f"{base} answered with something else than JSON: {e}")
    return None


def main():
    base = os.environ.get("OPENAI_BASE_URL")
    if not base:
        fail("Model.NotConfigured", "OPENAI_BASE_URL is not set. Set it for `pawl serve` to the endpoint of a model, "
             "such as https://api.openai.com/v1, or to that of ./stand-in-model.py.")
    payload = json.load(sys.stdin)
    answer = ask(base, chat_of(payload))
    try:
        text = answer["choices"][0]["message"]["content"]
        tokens = answer.get("usage", {}).get("total_tokens")
    except (AttributeError, IndexError, KeyError, TypeError):
        fail("Model.AnswerInvalid", f"{base} answered without choices[0].message.content")
    print(json.dumps({"text": text, "model": answer.get("model"), "tokens": tokens}, ensure_ascii=False))


if __name__ == "__main__":
    main()
