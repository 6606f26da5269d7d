-- Who asks for a session of their own (df.start with transaction_mode => 'new', ADR 27).
--
-- A function with the owner's rights cannot see for whom it was called: inside it current_user is the owner, and
-- session_user may be another role than the one whose code runs (SET ROLE, SECURITY DEFINER, functions of an index that
-- somebody else analyzes). What it can trust is a row whose columns the caller cannot choose.

CREATE TABLE df._launches (
    token    uuid NOT NULL,
    role     regrole NOT NULL DEFAULT (quote_ident(current_user))::regrole,
    asked_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT _launches_pkey PRIMARY KEY (token)
);
COMMENT ON TABLE df._launches IS
    'Proof of the effective role: written and deleted within one call of df.start, so empty to everybody who looks.';
ALTER TABLE df._launches ENABLE ROW LEVEL SECURITY;
CREATE POLICY launches_user_isolation ON df._launches FOR INSERT
    WITH CHECK (role = (SELECT (quote_ident(current_user))::regrole));
GRANT INSERT (token) ON df._launches TO PUBLIC;
