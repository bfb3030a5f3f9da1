"""The EPP language, and nothing about SRS: commands read, responses written."""
