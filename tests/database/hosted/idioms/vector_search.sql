-- Embeddings with an index, searched by a function.
create extension if not exists vector with schema extensions;
create table public.pages (
    id bigint generated always as identity primary key,
    content text,
    embedding extensions.vector(3)
);
create index on public.pages using hnsw (embedding vector_cosine_ops);
create function public.match_pages(query_embedding vector(3), match_count int) returns setof public.pages
language sql stable as $$
    select * from public.pages order by embedding <=> query_embedding limit match_count
$$;
insert into public.pages (content, embedding) values ('near', '[1,0,0]'), ('far', '[0,1,0]');
do $$
begin
    assert (select content from public.match_pages('[1,0.1,0]', 1)) = 'near';
end
$$;
