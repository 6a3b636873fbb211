"""The commands of `tallylight`, one module per noun: read options, call, print. No decisions."""
