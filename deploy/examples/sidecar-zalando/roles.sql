-- As postgres, in the database app of the primary. The operator has created the roles.
GRANT USAGE, CREATE ON SCHEMA public TO df_worker;
GRANT df_users TO alice;
-- As df_worker, when the worker has installed the schema: SELECT df.grant_usage('alice');
