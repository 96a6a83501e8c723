"""Bodies whose `result` is kept as it came, byte for byte."""

import io
import json
from dataclasses import dataclass
from json.decoder import WHITESPACE, scanstring  # type: ignore[attr-defined]
from typing import Any

from common.api.wire import JSONParser


@dataclass(frozen=True)
class ReceivedJSON:
    """A JSON value and the text that it came as."""

    value: Any
    text: str


class ResultParser(JSONParser):
    """Reads JSON as everywhere, but `result` becomes a ReceivedJSON."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        body = stream.read()
        data = super().parse(io.BytesIO(body), media_type, parser_context)
        if isinstance(data, dict) and "result" in data:
            data["result"] = ReceivedJSON(data["result"], text_of_member(body.decode(), "result"))
        return data


def text_of_member(body: str, name: str) -> str:
    """The text of a member of a JSON object, without the white space around it.

    `body` must be a valid JSON object that has the member; of several of one name the last counts,
    as for every parser here.
    """
    text, position = "", _after_space(body, body.index("{") + 1)
    read = json.JSONDecoder().raw_decode
    while True:
        member, position = scanstring(body, position + 1)
        begin = _after_space(body, _after_space(body, position) + 1)
        _, end = read(body, begin)
        if member == name:
            text = body[begin:end]
        position = _after_space(body, end)
        if body[position] == "}":
            return text
        position = _after_space(body, position + 1)


def _after_space(body: str, position: int) -> int:
    return int(WHITESPACE.match(body, position).end())
