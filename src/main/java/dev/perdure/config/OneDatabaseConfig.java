package dev.perdure.config;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One of several databases: {@code perdure.databases.<name>.*}. What is not given here is as for all of them. */
public interface OneDatabaseConfig {

    /**
     * The database of this name as a libpq URL. {@code perdure.database.url} is the one whose name is {@code default}, and may stand
     * beside these.
     */
    Optional<String> url();

    /** Logins as submitters of this database. */
    Login login();

    /** Secrets of this database. */
    Secrets secrets();

    /** Sessions for steps on this database. */
    Step step();

    /** In place of {@code perdure.retention-days}. */
    Optional<@Min(0) @Max(36500) Integer> retentionDays();

    /** In place of {@code perdure.max-ended-instances}. */
    Optional<@Min(0) Integer> maxEndedInstances();

    /** Resources of Kubernetes that are for this database. */
    Kubernetes kubernetes();

    /** The dashboard and the HTTP API of this database. */
    Web web();

    /** {@code perdure.databases.<name>.login.*}. */
    interface Login {

        /** In place of {@code perdure.login.passwords-directory}. */
        Optional<Path> passwordsDirectory();

        /** When any is given, these replace all of {@code perdure.login.passwords}. */
        Map<String, String> passwords();
    }

    /** {@code perdure.databases.<name>.secrets.*}. */
    interface Secrets {

        /** In place of {@code perdure.secrets.directory}. Without it, workflows of this database may be granted secrets of that one. */
        Optional<Path> directory();
    }

    /** {@code perdure.databases.<name>.step.*}. */
    interface Step {

        /** In place of {@code perdure.step.max-concurrent}. */
        Optional<@Min(1) Integer> maxConcurrent();

        /** In place of {@code perdure.step.role-reserve}. */
        Optional<@Min(0) Integer> roleReserve();

        /** In place of {@code perdure.step.max-concurrent-per-role}. */
        Optional<@Min(1) Integer> maxConcurrentPerRole();
    }

    /** {@code perdure.databases.<name>.kubernetes.*}. */
    interface Kubernetes {

        /**
         * This database handles the resources with this name in {@code spec.worker}. Default: the name of the database; for {@code
         * default}, {@code perdure.kubernetes.worker-name}.
         */
        Optional<String> workerName();

        /** When any is given, these replace all of {@code perdure.kubernetes.roles}. */
        Map<String, List<String>> roles();
    }

    /** {@code perdure.databases.<name>.web.*}. */
    interface Web {

        /** A read replica of this database, as {@code perdure.web.read-url}. */
        Optional<String> readUrl();

        /** When any is given, these replace all of {@code perdure.web.roles}. */
        Map<String, String> roles();
    }
}
