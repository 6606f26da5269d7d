CREATE ROLE df_worker LOGIN;
CREATE ROLE df_users NOLOGIN;
CREATE ROLE alice LOGIN IN ROLE df_users;
GRANT CREATE ON DATABASE app TO df_worker;
GRANT USAGE, CREATE ON SCHEMA public TO df_worker, alice;
CREATE DATABASE helm;
GRANT CREATE ON DATABASE helm TO df_worker;
\connect helm
GRANT USAGE, CREATE ON SCHEMA public TO df_worker, alice;
CREATE DATABASE second;
GRANT CREATE ON DATABASE second TO df_worker;
\connect second
GRANT USAGE, CREATE ON SCHEMA public TO df_worker, alice;
