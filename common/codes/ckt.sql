-- Signs by what people call them.
SELECT code, name FROM search_entries('sign', :words::text, :language::text)
