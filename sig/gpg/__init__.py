"""Who signed this? The only maker of `Attestation`."""
