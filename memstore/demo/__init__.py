"""What `memstore demo` shows: a conversation over months, remembered across processes."""
