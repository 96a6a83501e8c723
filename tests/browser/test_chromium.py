import shutil
from types import SimpleNamespace
from typing import Any

import pytest

from demo import browser

NOTHING: Any = SimpleNamespace(chromium=SimpleNamespace(executable_path="/nowhere/chromium"))


def test_a_machine_without_chromium_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(browser.NoChromium, match="apt-get install chromium"):
        browser.executable(NOTHING)
