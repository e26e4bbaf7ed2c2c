"""The store on local disk: files and folders, without following links."""
