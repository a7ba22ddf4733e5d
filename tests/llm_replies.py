"""What the test server answers: labels in the asked schema, token counts, log-probabilities and every fault."""

import hashlib
import json
import math
import re

FAULTS = ("429", "500", "503", "drop", "half", "truncated", "invalid", "wrong_value", "missing", "extra",
          "refusal", "filter", "prompt_filter", "html", "no_choices", "invented")  # fmt: skip
WORDS = {"true": ("fraktur", "fracture"), "uncertain": ("verdacht", "suspected", "möglich")}


def report_of(body):
    """The last user message: the report, as the client sent it."""
    return [m["content"] for m in body["messages"] if m["role"] == "user"][-1]


def schema_of(body):
    """The JSON schema of the request, from response_format or the first tool; None in JSON mode."""
    reply_format = body.get("response_format") or {}
    if reply_format.get("type") == "json_schema":
        return reply_format["json_schema"]["schema"]
    if body.get("tools"):
        return body["tools"][0]["function"]["parameters"]
    return None


def finding_ids(body):
    """Finding ids asked for; in JSON mode read from the schema that the prompt shows in words."""
    schema = schema_of(body)
    if schema is None:
        system = body["messages"][0]["content"]
        schema = json.loads(re.search(r"```json\n(.*?)\n```", system, re.S).group(1))
    return tuple(schema["properties"])


def fault_of(text, attempt, share):
    """The fault that a share of the texts meets, told from the text alone; every other one passes when asked again.

    A rate limit always passes: one that lasts is one for all.
    """
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    if number % 10_000 >= share * 10_000:
        return None
    kinds = (*FAULTS, "slow")
    kind, lasting = kinds[number // 10_000 % len(kinds)], number // 1_000_000 % 2
    return kind if attempt == 0 or (lasting and kind != "429") else None


def labels(text, ids):
    """First finding by plain words of the text, the others false: predictable, not clever."""
    answer = {i: {"evidence": "", "value": "false"} for i in ids}
    sentence = next((s for s in re.split(r"(?<=\.)\s", text) if s.strip()), "")
    lower = sentence.lower()
    for value in ("uncertain", "true"):
        if any(word in lower for word in WORDS[value]):
            answer[ids[0]] = {"evidence": sentence, "value": value}
            break
    return answer


def completion(body, content, *, finish="stop", refusal=None, prompt_tokens=None, logprobs=None):
    """A chat completion as the API returns it; tokens are four characters each."""
    sent = sum(len(m["content"]) for m in body["messages"]) // 4
    message = {"role": "assistant", "content": content, "refusal": refusal}
    if body.get("tools") and content is not None:
        call = {"name": body["tools"][0]["function"]["name"], "arguments": content}
        message["content"] = None
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": call}]
    usage = {"prompt_tokens": prompt_tokens or sent, "completion_tokens": len(content or "") // 4}
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    usage["prompt_tokens_details"] = {"cached_tokens": 1024}
    return {
        "id": "chatcmpl-" + hashlib.sha256(report_of(body).encode()).hexdigest()[:12],
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": body["model"] + "-2026-01-01",
        "system_fingerprint": "fp_test",
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": logprobs}],
        "usage": usage,
    }


def token_logprobs(content, certainty=0.9):
    """Tokens of up to six bytes with alternatives, so that a value may share a token with its quote marks."""
    data, tokens = content.encode(), []
    for piece in re.findall(rb'"[a-z]{1,3}|[a-z]+"|[^"a-z]{1,4}|.', data, re.S):
        alternatives = [(piece, math.log(certainty))]
        if piece in (b'"fal', b'"tru', b'"unc'):
            others = [p for p in (b'"fal', b'"tru', b'"unc') if p != piece]
            alternatives += [(p, math.log((1 - certainty) / 2)) for p in others]
        tokens.append(
            {
                "token": piece.decode("utf-8", "replace"),
                "bytes": list(piece),
                "logprob": alternatives[0][1],
                "top_logprobs": [
                    {"token": p.decode("utf-8", "replace"), "bytes": list(p), "logprob": x} for p, x in alternatives
                ],
            }
        )
    return {"content": tokens, "refusal": None}


def error(status, message, *, code=None, param=None, kind="invalid_request_error"):
    return status, {"error": {"message": message, "type": kind, "param": param, "code": code}}


def faulty(fault, body):
    """(status, body) for a fault that has an answer; a str or bytes body is sent as it is."""
    ids = finding_ids(body)
    answer = labels(report_of(body), ids)
    if fault in {"429", "500", "503"}:
        return error(int(fault), "try later", code="rate_limit_exceeded" if fault == "429" else None)
    if fault == "prompt_filter":
        return error(400, "The prompt was filtered.", code="content_filter", param="prompt")
    if fault == "html":
        return 200, "<html>gateway</html>"
    if fault == "no_choices":
        return 200, completion(body, "{}") | {"choices": []}
    if fault == "truncated":
        return 200, completion(body, json.dumps(answer)[:60], finish="length")
    if fault == "filter":
        return 200, completion(body, json.dumps(answer)[:60], finish="content_filter")
    if fault == "refusal":
        return 200, completion(body, None, refusal="I cannot help with that.")
    if fault == "invalid":
        return 200, completion(body, json.dumps(answer)[:-7])
    if fault == "wrong_value":
        answer[ids[-1]]["value"] = "perhaps"
    elif fault == "missing":
        del answer[ids[-1]]
    elif fault == "extra":
        answer["another_finding"] = {"evidence": "", "value": "false"}
    elif fault == "invented":
        answer[ids[0]] = {"evidence": "This sentence stands in no report.", "value": "true"}
    return 200, completion(body, json.dumps(answer))
