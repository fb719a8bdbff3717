"""What several test modules share: small workspaces and runs over them."""
