package dev.perdure.config;

import java.util.Optional;

/** The database: {@code perdure.database.*}. */
public interface DatabaseConfig {

    /**
     * The database as a libpq URL, such as {@code postgresql://df_worker@db:5432/app?sslmode=verify-full}. Its role
     * owns the schema {@code df}. Where it is set, no embedded server is started.
     */
    Optional<String> url();
}
