package dev.perdure.config;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What is set for one database: its own where it has its own, otherwise what holds for all. A worker with one database has one of
 * these, whose name is {@link #DEFAULT}.
 *
 * @param name a DNS label, which metrics, health, log lines and resources of Kubernetes use
 * @param url empty for the embedded server only
 * @param memoryBytes its part of the worker's memory for instances
 * @param publicUrl with which addresses begin that its steps hand out; empty where the dashboard serves another database
 * @param workerName by which resources of Kubernetes name it
 * @param kubernetesRoles that the resources of a namespace may run as in it
 */
public record DatabaseOptions(
        String name,
        Optional<String> url,
        Optional<Path> passwordsDirectory,
        Map<String, String> passwords,
        Optional<Path> secretsDirectory,
        int maxConcurrent,
        int roleReserve,
        int maxConcurrentPerRole,
        int retentionDays,
        int maxEndedInstances,
        long memoryBytes,
        Optional<String> publicUrl,
        String workerName,
        Map<String, List<String>> kubernetesRoles) {

    /** The name of the only database, and of that of {@code perdure.database.url}. */
    public static final String DEFAULT = "default";

    private static final Pattern LABEL = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

    /** Whether a database may be called so. */
    public static boolean isName(String name) {
        return LABEL.matcher(name).matches();
    }

    /**
     * All databases, in the order of their names; none when none is configured.
     *
     * @throws InvalidDatabasesException when what is set makes no sense
     */
    public static List<DatabaseOptions> of(PerdureConfig config) {
        Map<String, OneDatabaseConfig> named = config.databases();
        TreeSet<String> names = new TreeSet<>(named.keySet());
        boolean others = named.values().stream().anyMatch(one -> one.url().isPresent());
        if (config.database().url().isPresent() || config.embedded() && !others) {
            names.add(DEFAULT);
        }
        for (String name : names) {
            check(name, named.get(name), config);
        }
        web(config, names);
        List<DatabaseOptions> all =
                names.stream().map(name -> of(config, name, names)).toList();
        checkWorkers(all);
        return all;
    }

    private static void check(
            String name, @org.jspecify.annotations.Nullable OneDatabaseConfig one, PerdureConfig config) {
        if (!isName(name)) {
            throw new InvalidDatabasesException("perdure.databases.\"" + name
                    + "\": the name of a database has small letters, digits and hyphens, begins and ends with no hyphen,"
                    + " and is 63 characters long at most");
        }
        boolean hasUrl = one != null && one.url().isPresent();
        boolean isDefault = name.equals(DEFAULT) && (config.database().url().isPresent() || config.embedded());
        if (hasUrl && name.equals(DEFAULT) && config.database().url().isPresent()) {
            throw new InvalidDatabasesException("perdure.database.url and perdure.databases.default.url are the same"
                    + " setting. Give one of the two");
        }
        if (!hasUrl && !isDefault) {
            throw new InvalidDatabasesException(
                    "perdure.databases." + name + " has settings and no URL. Set perdure.databases." + name
                            + ".url, for example postgresql://df_worker@db:5432/app");
        }
    }

    private static void checkWorkers(List<DatabaseOptions> all) {
        Map<String, String> databases = new HashMap<>();
        for (DatabaseOptions one : all) {
            String other = databases.put(one.workerName(), one.name());
            if (other != null) {
                throw new InvalidDatabasesException("Resources of Kubernetes for the worker " + one.workerName()
                        + " would be for two databases, " + other + " and " + one.name() + ". Set perdure.databases."
                        + one.name() + ".kubernetes.worker-name");
            }
        }
    }

    private static void web(PerdureConfig config, TreeSet<String> names) {
        config.web().database().filter(name -> !names.contains(name)).ifPresent(name -> {
            throw new InvalidDatabasesException("perdure.web.database is " + name
                    + ", and there is no database of that name; there are: " + String.join(", ", names));
        });
    }

    private static DatabaseOptions of(PerdureConfig config, String name, TreeSet<String> names) {
        Optional<OneDatabaseConfig> own = Optional.ofNullable(config.databases().get(name));
        Map<String, String> passwords = own.map(one -> one.login().passwords()).orElse(Map.of());
        Map<String, List<String>> roles =
                own.map(one -> one.kubernetes().roles()).orElse(Map.of());
        boolean isServed = names.size() == 1
                || config.web().database().filter(name::equals).isPresent();
        return new DatabaseOptions(
                name,
                own.flatMap(OneDatabaseConfig::url)
                        .or(() -> name.equals(DEFAULT) ? config.database().url() : Optional.empty()),
                own.flatMap(one -> one.login().passwordsDirectory())
                        .or(() -> config.login().passwordsDirectory()),
                passwords.isEmpty() ? config.login().passwords() : passwords,
                own.flatMap(one -> one.secrets().directory())
                        .or(() -> config.secrets().directory()),
                own.flatMap(one -> one.step().maxConcurrent())
                        .orElse(config.step().maxConcurrent()),
                own.flatMap(one -> one.step().roleReserve())
                        .orElse(config.step().roleReserve()),
                own.flatMap(one -> one.step().maxConcurrentPerRole())
                        .orElse(config.step().maxConcurrentPerRole()),
                own.flatMap(OneDatabaseConfig::retentionDays).orElse(config.retentionDays()),
                own.flatMap(OneDatabaseConfig::maxEndedInstances).orElse(config.maxEndedInstances()),
                memory(config) / names.size(),
                isServed ? config.web().publicUrl() : Optional.empty(),
                own.flatMap(one -> one.kubernetes().workerName())
                        .orElse(name.equals(DEFAULT) ? config.kubernetes().workerName() : name),
                roles.isEmpty() ? config.kubernetes().roles() : roles);
    }

    private static long memory(PerdureConfig config) {
        return config.memory()
                .limit()
                .map(limit -> limit.asLongValue())
                .orElse(Runtime.getRuntime().maxMemory() / 5 * 2);
    }
}
