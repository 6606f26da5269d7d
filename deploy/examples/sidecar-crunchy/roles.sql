-- As postgres, in the database app of the primary. PGO's own users cannot have an underscore in their name, so the role is
-- made here.
CREATE ROLE df_worker LOGIN;
CREATE ROLE df_users NOLOGIN;
GRANT CREATE ON DATABASE app TO df_worker;
GRANT USAGE, CREATE ON SCHEMA public TO df_worker;
-- For each who starts workflows: GRANT df_users TO alice, and as df_worker SELECT df.grant_usage('alice').
