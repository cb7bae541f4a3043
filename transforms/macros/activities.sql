-- The values of tasks and calls. `j` is the JSON text of a value, or null.
-- kind: warehouse

-- The JSON text of some members of a document; null for JSON null and for empty text.
create macro activity_values(document, pointers) as
    list_transform(
        json_extract(document, pointers)::varchar[],
        lambda j: nullif(nullif(j, 'null'), '""')
    );

-- A time as it arrived; 0 is what the platform writes for "not yet".
create macro activity_time(j) as
    case when not regexp_full_match(trim(j, '"'), '0+(\.0+)?') then j end;

-- An instant in UTC: epoch milliseconds, or text, which is UTC unless it has an offset.
create macro activity_instant(j) as
    to_instant(
        regexp_replace(activity_time(j), '^("?[0-9]{12,13})\.0+("?)$', '\1\2'), 'UTC'
    );

create macro activity_uuid(j) as try_cast(to_uuid(j) as uuid);

create macro activity_word(j) as upper(trim(to_text(j)));
