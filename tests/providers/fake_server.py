"""Model servers on a real socket, with and without each ability, and a record of what they were sent."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.providers.fake_openai import completion, error, first_token


@contextmanager
def serving(answer):
    """A server for `answer(method, path, headers, body) -> (status, body)`; gives its address.

    The answer may also have pairs of headers after the body.

    The names of headers are in small letters.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.reply(*answer("GET", self.path, {name.lower(): value for name, value in self.headers.items()}, None))

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.reply(*answer("POST", self.path, {name.lower(): value for name, value in self.headers.items()}, body))

        def reply(self, status, body, headers=()):
            content = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    running = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()


class FakeOpenAI:
    """A server that speaks OpenAI's chat API.

    `schema` is `enforced`, `accepted` or `refused`; `logprobs` the most alternatives it tells, 0 if it
    refuses them, None if it passes them over; `limit` the name it takes (`both`: either); `context` what it
    answers to a GET of each path.
    """

    def __init__(
        self, *, schema="enforced", logprobs=20, prompt_logprobs=False, temperature=True, limit="both", context=None,
        keys=None, name="the-model-2026", text="maybe",
    ):  # fmt: skip
        self.schema = schema
        self.logprobs = logprobs
        self.prompt_logprobs = prompt_logprobs
        self.temperature = temperature
        self.limit = limit
        self.context = context or {}
        self.keys = keys
        self.name = name
        self.text = text
        self.asked = []

    def __call__(self, method, path, headers, body):
        key = headers.get("authorization", "").removeprefix("Bearer ")
        if method == "GET":
            return (200, self.context[path]) if path in self.context else (404, {"detail": "Not Found"})
        self.asked.append((key, body))
        if self.keys is not None and key not in self.keys:
            return 401, error(f"Incorrect API key provided: {key}.", code="invalid_api_key")
        refusal = self.refusal(body)
        if refusal:
            return 400, error(refusal)
        return 200, self.completion(body)

    @property
    def bodies(self):
        return [body for _, body in self.asked]

    def refusal(self, body):
        wrong = {"max_completion_tokens", "max_tokens"} - {self.limit} if self.limit != "both" else set()
        unknown = wrong & set(body)
        if unknown:
            return f"Unsupported parameter: '{unknown.pop()}' is not supported with this model."
        if "response_format" in body and self.schema == "refused":
            return "This response_format type is unavailable now."
        if "temperature" in body and not self.temperature:
            return "Unsupported value: 'temperature' does not support 0 with this model."
        if body.get("logprobs") and self.logprobs == 0:
            return "logprobs are not supported by this model."
        if body.get("top_logprobs", 0) > (self.logprobs or 20):
            return f"top_logprobs must be less than or equal to {self.logprobs}."
        return None

    def completion(self, body):
        limit = body.get("max_completion_tokens", body.get("max_tokens"))
        text, finish = self.written(body), "stop"
        if "Count" in body["messages"][-1]["content"]:
            text, finish = "1, 2, 3, 4, 5, 6", "length"
        known = {"logprobs": first_token(yes=0.75, no=0.25)} if body.get("logprobs") and self.logprobs else {}
        if known:
            token = known["logprobs"]["content"][0]
            token["top_logprobs"] = [*token["top_logprobs"], *(
                {"token": f"t{at}", "logprob": -9.0, "bytes": None} for at in range(body["top_logprobs"] - 2)
            )]  # fmt: skip
        extra = {"prompt_logprobs": self.of_prompt(body)} if self.prompt_logprobs and "prompt_logprobs" in body else {}
        return completion(text, finish, usage=(20, min(limit, 6)), model=self.name, **known, **extra)

    def written(self, body):
        if "response_format" in body and self.schema == "enforced":
            return json.dumps(self.obedient(body["response_format"]["json_schema"]["schema"]))
        if "banana" in body["messages"][-1]["content"]:
            return '{"fruit": "banana"}'
        return self.text

    def obedient(self, schema):
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type")
        if kind == "object":
            return {name: self.obedient(part) for name, part in schema.get("properties", {}).items()}
        return {"integer": 2, "number": 2, "string": "because", "boolean": True}.get(kind, [])

    def of_prompt(self, body):
        """As vLLM tells them: the token that stands there first, then the likeliest one."""
        assert body["continue_final_message"]
        assert not body["add_generation_prompt"]
        tokens = ["<user>", "What", "?", "<assistant>", *body["messages"][-1]["content"].split()]
        told = [None]
        for number, token in enumerate(tokens[1:], start=1):
            told.append(
                {
                    str(100 + number): {"logprob": -0.5 * number, "rank": 3, "decoded_token": token},
                    "7": {"logprob": -0.1, "rank": 1, "decoded_token": "other"},
                }
            )
        return told


class FakeAnthropic:
    """A server that speaks Anthropic's Messages API."""

    def __init__(self, *, schema="enforced", temperature=True, context=None):
        self.schema = schema
        self.temperature = temperature
        self.context = context
        self.bodies = []

    def __call__(self, method, path, headers, body):
        if method == "GET":
            known = path == "/v1/models/opus" and self.context
            return (200, {"id": "opus", "max_input_tokens": self.context}) if known else (404, {})
        assert path == "/v1/messages"
        self.bodies.append(body)
        if "temperature" in body and not self.temperature:
            return 400, self.error("`temperature` is deprecated for this model.")
        if "output_config" in body and self.schema == "refused":
            return 400, self.error("output_config: Extra inputs are not permitted")
        text = '{"fruit": "banana"}' if "banana" in body["messages"][-1]["content"] else "1, 2, 3"
        if "output_config" in body and self.schema == "enforced":
            text = '{"colour": "violet"}'
        content = [{"type": "text", "text": text}]
        usage = {"input_tokens": 9, "output_tokens": 4}
        return 200, {
            "id": "m", "type": "message", "role": "assistant", "model": "opus-2026", "content": content,
            "stop_reason": "end_turn", "usage": usage,
        }  # fmt: skip

    def error(self, message):
        return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
