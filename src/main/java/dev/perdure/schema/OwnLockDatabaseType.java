package dev.perdure.schema;

import java.sql.Connection;
import java.util.concurrent.Callable;
import org.flywaydb.core.api.configuration.Configuration;
import org.flywaydb.core.internal.database.base.Database;
import org.flywaydb.core.internal.database.base.Table;
import org.flywaydb.core.internal.jdbc.JdbcConnectionFactory;
import org.flywaydb.core.internal.jdbc.StatementInterceptor;
import org.flywaydb.core.internal.jdbc.TransactionalExecutionTemplate;
import org.flywaydb.database.postgresql.PostgreSQLConnection;
import org.flywaydb.database.postgresql.PostgreSQLDatabase;
import org.flywaydb.database.postgresql.PostgreSQLDatabaseType;

/**
 * PostgreSQL for Flyway, without its advisory lock, whose key is known and which any role may take: {@link MigrationLock} is held
 * meanwhile. Found as a service, before Flyway's own.
 */
public final class OwnLockDatabaseType extends PostgreSQLDatabaseType {

    @Override
    public int getPriority() {
        return super.getPriority() + 10;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public Database createDatabase(
            Configuration configuration, JdbcConnectionFactory connections, StatementInterceptor interceptor) {
        return new OwnLockDatabase(configuration, connections, interceptor);
    }

    private static final class OwnLockDatabase extends PostgreSQLDatabase {

        OwnLockDatabase(
                Configuration configuration, JdbcConnectionFactory connections, StatementInterceptor interceptor) {
            super(configuration, connections, interceptor);
        }

        @Override
        protected PostgreSQLConnection doGetConnection(Connection connection) {
            return new OwnLockConnection(this, connection);
        }
    }

    private static final class OwnLockConnection extends PostgreSQLConnection {

        OwnLockConnection(PostgreSQLDatabase database, Connection connection) {
            super(database, connection);
        }

        @Override
        public <T> T lock(@SuppressWarnings("rawtypes") Table table, Callable<T> work) {
            return new TransactionalExecutionTemplate(getJdbcConnection(), true).execute(work);
        }

        /** Flyway would go back to the role that logged in, and write its name without care. No file of ours changes it. */
        @Override
        protected void doRestoreOriginalState() {}
    }
}
