do $script$
declare
    signature text;
    result text;
begin
    for signature, result in
        values
            ('json_matches_schema(schema json, instance json)', 'boolean'),
            ('jsonb_matches_schema(schema json, instance jsonb)', 'boolean'),
            ('jsonschema_is_valid(schema json)', 'boolean'),
            ('jsonschema_validation_errors(schema json, instance json)', 'text[]')
    loop
        execute format(
            'create function %s returns %s language plpgsql immutable strict as $$
            begin perform signet_hosted.not_available(%L); end $$',
            signature, result, split_part(signature, '(', 1) || '()');
    end loop;
end
$script$;
