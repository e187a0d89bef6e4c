"""Each protocol's request and answer, and the networks that no request may reach."""

import json
import socket
import threading

import pytest
from jeoul.base import InvalidInput
from jeoul.studies.generation import addresses
from jeoul.studies.generation.actions import ask_provider, generate_output, take_output
from jeoul.studies.generation.asking import Asking
from jeoul.studies.generation.base import ProviderError, Request, fill, messages_for, retry_after
from jeoul.studies.generation.http_template import filled
from jeoul.studies.models import Connection, Output
from jeoul.studies.systems_actions import create_connection
from werkzeug import Response

from tests import factories
from tests.generation.test_generation import KEY, answer, study_on, url_of
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db


def first_output():
    return Output.objects.order_by("pk").first()


def made_by(httpserver, **options):
    study_on(url_of(httpserver), **options)
    output = first_output()
    generate_output(output_id=output.pk)
    output.refresh_from_db()
    return output


class TestAnthropic:
    REPLY = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m-2026-01-01",
        "content": [{"type": "text", "text": "Hello."}],
        "stop_reason": "max_tokens",
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 3},
    }

    def made(self, httpserver, reply=None, status=200):
        handler = httpserver.expect_request("/v1/messages", method="POST")
        handler.respond_with_json(reply or self.REPLY, status=status)
        return made_by(httpserver, protocol="anthropic", price_in=1, price_out=2)

    def test_an_answer_comes_through_the_official_client(self, httpserver):
        output = self.made(httpserver)
        assert (output.state, output.text, output.finish_reason) == ("done", "Hello.", "length")
        assert (output.prompt_tokens, output.completion_tokens) == (11, 3)
        request = httpserver.log[0][0]
        assert KEY in request.headers["Authorization"]
        assert "tools" not in json.loads(request.data)

    def test_a_refusal_is_one(self, httpserver):
        output = self.made(httpserver, self.REPLY | {"content": [], "stop_reason": "refusal"})
        assert (output.state, output.finish_reason) == ("refused", "refusal")

    def test_an_error_keeps_the_providers_words_without_the_key(self, httpserver):
        error = {"type": "error", "error": {"type": "x", "message": f"no credit for {KEY}"}}
        output = self.made(httpserver, error, status=403)
        assert (output.state, output.error_code) == ("failed", "http_403")
        assert "no credit for" in output.error_message
        assert KEY not in output.error_message


class TestHTTPTemplate:
    TEMPLATE = {
        "input": {"text": "{prompt}", "system": "{system}"},
        "parameters": {"temperature": "{temperature}", "seed": "{seed}", "stream": False},
        "model": "{model}",
    }
    PATHS = {"text": "results.0.generated", "finish_reason": "results.0.why", "model": "by"}

    def made(self, httpserver, response):
        httpserver.expect_request("/v1", method="POST").respond_with_response(response)
        return made_by(
            httpserver,
            protocol="http",
            request_template=self.TEMPLATE,
            answer_paths=self.PATHS,
            key_header="X-Key: {key}",
        )

    def test_the_template_goes_in_and_the_path_comes_out(self, httpserver):
        reply = {"results": [{"generated": "Well.", "why": "stop"}], "by": "another-model"}
        output = self.made(httpserver, Response(json.dumps(reply)))
        assert (output.state, output.text, output.finish_reason) == ("done", "Well.", "stop")
        assert output.model_differs
        request = httpserver.log[0][0]
        assert request.headers["X-Key"] == KEY
        assert json.loads(request.data) == {
            "input": {"text": "Question 0?"},
            "parameters": {"stream": False},
            "model": "m-2026-01-01",
        }

    @pytest.mark.parametrize(("body", "code"), [("{}", "bad_answer"), ("no json", "bad_answer")])
    def test_an_answer_without_its_text_is_named(self, httpserver, body, code):
        output = self.made(httpserver, Response(body))
        assert (output.state, output.error_code) == ("due", code)

    def test_a_value_is_never_read_as_a_template(self):
        assert filled(
            {"a": "{prompt}", "b": ["{seed}", "{top_p}"]}, {"prompt": "{seed}", "seed": 3}
        ) == {
            "a": "{seed}",
            "b": [3],
        }

    def test_a_template_without_the_prompt_is_refused(self):
        with pytest.raises(InvalidInput, match="prompt"):
            create_connection(
                owner=factories.make_user(), name="x", base_url="https://x.example",
                protocol="http", request_template={"a": "b"}, answer_paths={"text": "t"},
            )  # fmt: skip


class TestTemplates:
    def test_variables_come_from_the_prompt_and_its_text_is_left_alone(self):
        sent = messages_for(
            [{"role": "user", "content": "What is {tone}?"}],
            system_prompt="Be kind.",
            template="In {tone}, {{as said}}: {prompt}",
            examples=[{"user": "1?", "assistant": "2."}],
            values={"tone": "verse"},
        )
        assert [m["role"] for m in sent] == ["system", "user", "assistant", "user"]
        assert sent[-1]["content"] == "In verse, {as said}: What is {tone}?"

    def test_a_missing_variable_is_named(self):
        with pytest.raises(ProviderError, match=r"\{tone\}") as caught:
            fill("{tone} {prompt}", {"prompt": "x"})
        assert caught.value.permanent

    def test_a_date_in_retry_after_is_read_and_nonsense_is_not(self):
        assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
        assert retry_after({"retry-after": "7"}) == 7.0
        assert retry_after({"retry-after": "nan"}) is None
        assert retry_after({}) is None


class TestClosedNetworks:
    @pytest.mark.parametrize(
        "address",
        ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "172.16.0.1", "0.0.0.0",
         "100.64.0.1", "224.0.0.1", "::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1",
         "64:ff9b::a00:1", "2002:0a00:0001::"],
    )  # fmt: skip
    def test_an_inner_address_is_refused(self, settings, address):
        settings.PROVIDER_NETWORKS = []
        assert not addresses.is_allowed(address)

    def test_the_operator_opens_a_network(self, settings):
        settings.PROVIDER_NETWORKS = ["10.1.0.0/16"]
        assert addresses.is_allowed("10.1.2.3")
        assert not addresses.is_allowed("10.2.2.3")
        assert addresses.is_allowed("8.8.8.8")

    def test_a_literal_address_is_refused_at_once(self, settings):
        settings.PROVIDER_NETWORKS = []
        with pytest.raises(InvalidInput, match="PROVIDER_NETWORKS"):
            create_connection(
                owner=factories.make_user(), name="x", base_url="http://169.254.169.254/latest"
            )

    def test_a_name_that_leads_inside_is_refused_when_connecting(self, httpserver, settings):
        """Nothing reaches the server: the check stands before the connection."""
        output = self.on_localhost(httpserver)
        settings.PROVIDER_NETWORKS = []
        generate_output(output_id=output.pk)
        output.refresh_from_db()
        assert (output.state, output.error_code) == ("failed", "address_refused")
        assert "localhost" in output.error_message
        assert not httpserver.log

    def on_localhost(self, httpserver):
        study_on(f"http://localhost:{httpserver.port}")
        return first_output()

    def test_a_redirect_is_not_followed(self, httpserver):
        headers = {"Location": "http://169.254.169.254/latest/meta-data"}
        httpserver.expect_request("/v1/chat/completions").respond_with_response(
            Response("", 302, headers)
        )
        output = made_by(httpserver)
        assert (output.state, output.error_code) == ("failed", "http_302")
        assert "169.254.169.254" in output.error_message


def test_a_name_is_resolved_once_and_that_very_address_is_used(httpserver, settings, monkeypatch):
    """A name that answers differently the second time gains nothing: there is no second time."""
    httpserver.expect_request("/v1/chat/completions").respond_with_json(answer())
    asked = []
    true = socket.getaddrinfo

    def changing(host, port, *args, **kwargs):
        if host != "rebind.example":
            return true(host, port, *args, **kwargs)
        asked.append(host)
        place = "127.0.0.1" if len(asked) == 1 else "10.0.0.9"
        return true(place, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    study_on(f"http://rebind.example:{httpserver.port}")
    output = first_output()
    assert generate_output(output_id=output.pk)
    assert asked == ["rebind.example"]


def test_a_stream_that_drops_and_one_that_trickles_are_told_apart():
    """Raw sockets, since a proper server cannot misbehave like this."""
    listener = socket.create_server(("127.0.0.1", 0))
    held = []

    def misbehave():
        for half in (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", b""):
            place, _ = listener.accept()
            place.recv(65536)
            if half:
                place.sendall(half)
                place.close()
            else:
                held.append(place)  # never a word

    thread = threading.Thread(target=misbehave, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    found = []
    with Asking() as asking:
        for seconds in (PATIENCE, 1):
            connection = Connection(pk=1, name="x", base_url=url, timeout_seconds=seconds)
            asking.ask(None, connection, Request("m", [{"role": "user", "content": "x"}]))
            while not (replies := asking.replies(5.0)):
                pass
            found.append(replies[0].reply)
    listener.close()
    thread.join()
    for place in held:
        place.close()
    assert [error.code for error in found] == ["connection", "timeout"]
    assert not any(error.permanent for error in found)


def test_an_endless_answer_is_cut(httpserver, monkeypatch):
    from jeoul.studies.generation import network

    monkeypatch.setattr(network, "_MOST_BYTES", 1000)
    httpserver.expect_request("/v1/chat/completions").respond_with_json(answer("x" * 5000))
    study_on(url_of(httpserver))
    lease = take_output(output_id=first_output().pk)
    reply = ask_provider(lease=lease)
    assert isinstance(reply, ProviderError)
    assert "more than" in reply.message
