-- Specimen types by what people call them.
SELECT code, name FROM search_entries('specimen_type', :words::text, :language::text)
