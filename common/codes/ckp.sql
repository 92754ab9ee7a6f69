-- Diseases by what people call them.
SELECT code, name FROM search_entries('diagnosis', :words::text, :language::text)
