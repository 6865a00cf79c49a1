#!/usr/bin/env python3
"""A stand-in for a language model's endpoint, for tests and for trying the example. It is no
model: what it answers says so, repeats what it was asked and counts the answers.

    stand-in-model.py [--port N] [--api-key KEY] [--busy N]

It prints the URL to set OPENAI_BASE_URL to. --api-key: others get 401. --busy: the first N
requests get 429, as a loaded model answers.
"""
import argparse
import http.server
import json
import time


class StandIn(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def refuse(self, status, kind, message):
        self.reply(status, {"error": {"type": kind, "message": message}})

    def do_POST(self):  # pylint: disable=invalid-name
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server.requests += 1
        if server.api_key and self.headers.get("Authorization") != "Bearer " + server.api_key:
            self.refuse(401, "invalid_request_error", "Incorrect API key provided")
        elif self.path != "/v1/chat/completions":
            self.refuse(404, "invalid_request_error", f"There is only /v1/chat/completions, not {self.path}")
        elif server.requests <= server.busy:
            self.refuse(429, "rate_limit_error", "The stand-in was told to be busy")
        else:
            self.complete(body)

    def complete(self, body):
        try:
            asked = json.loads(body)
            messages = [str(m["content"]) for m in asked["messages"] if m["role"] in ("system", "user", "assistant")]
            model = asked["model"]
        except (ValueError, KeyError, TypeError):
            self.refuse(400, "invalid_request_error", "Expected {\"model\": ..., \"messages\": [{role, content}, ...]}")
            return
        self.server.answers += 1
        text = "\n".join([f"No model wrote this: it is answer {self.server.answers} of a stand-in, to", *messages])
        words = len(text.split())
        self.reply(200, {
            "id": f"chatcmpl-stand-in-{self.server.answers}", "object": "chat.completion", "created": int(time.time()),
            "model": f"stand-in for {model}",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": words, "completion_tokens": words, "total_tokens": 2 * words}})

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, default=0, help="0, which it is without it: any that is free")
    arguments.add_argument("--api-key", default="")
    arguments.add_argument("--busy", type=int, default=0)
    given = arguments.parse_args()
    server = http.server.HTTPServer(("127.0.0.1", given.port), StandIn)
    server.api_key, server.busy, server.requests, server.answers = given.api_key, given.busy, 0, 0
    print(f"http://127.0.0.1:{server.server_address[1]}/v1 is a stand-in, no model", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
