"""Which client speaks which protocol."""

from jeoul.studies.generation.base import Client
from jeoul.studies.models import Connection, Protocol


def client_for(connection: Connection, key: str) -> Client:
    """A client for the connection; to be made inside the loop that uses it."""
    # Loading a client library takes a second that no web process needs to spend.
    if connection.protocol == Protocol.ANTHROPIC:
        from jeoul.studies.generation.anthropic_messages import AnthropicMessages

        return AnthropicMessages(connection, key)
    if connection.protocol == Protocol.HTTP:
        from jeoul.studies.generation.http_template import HTTPTemplate

        return HTTPTemplate(connection, key)
    from jeoul.studies.generation.openai_chat import OpenAIChat

    return OpenAIChat(connection, key)
