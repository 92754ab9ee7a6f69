-- Drugs by what people call them.
SELECT code, name FROM search_entries('drug', :words::text, :language::text)
