"""What a model starts from: pinned by revision, version or checksum."""
