-- Run once, when the database is created.
CREATE ROLE df_worker LOGIN;
CREATE ROLE df_users NOLOGIN;        -- everybody who may start workflows is a member
GRANT CREATE ON DATABASE app TO df_worker;
GRANT USAGE, CREATE ON SCHEMA public TO df_worker;
