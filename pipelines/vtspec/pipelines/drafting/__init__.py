"""Words become a checked spec: a conversation in, a spec, a question or a refusal out."""
