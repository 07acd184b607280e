"""The receiver of webhooks: checks what comes in over HTTP, and answers when it is stored durably."""
