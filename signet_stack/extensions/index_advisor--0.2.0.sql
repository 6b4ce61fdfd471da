create function index_advisor(query text)
returns table (
    startup_cost_before jsonb, startup_cost_after jsonb, total_cost_before jsonb, total_cost_after jsonb,
    index_statements text[], errors text[]
)
language plpgsql as $$
begin
    perform signet_hosted.not_available('index_advisor()');
end
$$;
