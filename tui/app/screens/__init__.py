"""The main screen and the dialogs; a dialog is imported when it is first opened."""
