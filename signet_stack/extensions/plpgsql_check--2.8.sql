create function plpgsql_check_function(funcoid regprocedure, relid regclass default 0) returns setof text
language plpgsql strict as $$
begin
    perform signet_hosted.not_available('plpgsql_check_function()');
end
$$;

create function plpgsql_check_function(name text, relid regclass default 0) returns setof text
language plpgsql strict as $$
begin
    perform signet_hosted.not_available('plpgsql_check_function()');
end
$$;
