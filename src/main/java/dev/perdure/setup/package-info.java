/**
 * Preparation of a database for a worker: roles, rights, lines for {@code pg_hba.conf} and {@code pg_ident.conf}; and their
 * removal. The doctor checks whether it works: it logs in as everybody, by the worker's own code.
 *
 * <p>Statements such as {@code CREATE ROLE} take no parameters. A statement here is a template: the server puts names and
 * values in ({@code format} with {@code %I} and {@code %L}) and runs its own text. Of a password it is sent the SCRAM
 * verifier, which is made here, so that neither its log nor {@code pg_stat_statements} can show the password. Each statement
 * goes with the question whether it is needed, so that a second run changes nothing and says so. Without a server to ask
 * ({@code --print} without {@code --admin}) the same templates are filled in here, by PostgreSQL's rules, and shown to a
 * person. Lines for {@code pg_hba.conf} are printed and never written: the file belongs to the server's administrator.
 */
@NullMarked
package dev.perdure.setup;

import org.jspecify.annotations.NullMarked;
