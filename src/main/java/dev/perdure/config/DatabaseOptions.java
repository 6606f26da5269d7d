package dev.perdure.config;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * The settings of one database: its own, otherwise those of all. A worker with one database has one of these, whose name is {@link
 * #DEFAULT}.
 *
 * @param name a DNS label, which metrics, health, log lines and resources of Kubernetes use
 * @param url empty for the embedded server only
 * @param memoryBytes its part of the worker's memory for instances
 * @param publicUrl with which addresses begin that its steps hand out; empty where the dashboard does not serve it
 * @param workerName by which resources of Kubernetes name it
 * @param kubernetesRoles that the resources of a namespace may run as in it
 * @param webRoles of the groups that others say somebody is in
 * @param readUrl a read replica for the dashboard
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
        Map<String, List<String>> kubernetesRoles,
        Map<String, String> webRoles,
        Optional<String> readUrl) {

    /** The name of the only database, and of that of {@code perdure.database.url}. */
    public static final String DEFAULT = "default";

    private static final String VARIABLES = "PERDURE_DATABASES_";
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
        TreeMap<String, Own> named = new TreeMap<>();
        // A hyphen of a name that a variable of the environment has arrives as a dot.
        config.databases()
                .forEach((name, one) -> named.computeIfAbsent(name.replace('.', '-'), any -> new Own(new ArrayList<>()))
                        .parts()
                        .add(one));
        boolean others = named.values().stream()
                .anyMatch(own -> own.find(OneDatabaseConfig::url).isPresent());
        if (config.database().url().isPresent() || config.embedded() && !others) {
            named.putIfAbsent(DEFAULT, new Own(List.of()));
        }
        named.forEach((name, own) -> check(name, own, config));
        web(config, named.keySet());
        List<DatabaseOptions> all = named.entrySet().stream()
                .map(one -> of(config, one.getKey(), one.getValue(), named.size()))
                .toList();
        checkWorkers(all);
        return all;
    }

    /**
     * Whether each variable of the environment that is about one of several databases is read: one that has a hyphen in its name and no
     * second underscore around it is not, and would leave a database out in silence.
     *
     * @throws InvalidDatabasesException for one that is not
     */
    public static void checkVariables(Set<String> variables, List<DatabaseOptions> all) {
        List<String> known = new ArrayList<>();
        for (DatabaseOptions one : all) {
            String name = one.name().toUpperCase(Locale.ROOT);
            known.add(VARIABLES + '_' + name.replace('-', '_') + "__");
            if (name.indexOf('-') < 0) {
                known.add(VARIABLES + name + '_');
            }
        }
        variables.stream()
                .filter(variable -> variable.startsWith(VARIABLES))
                .filter(variable -> known.stream().noneMatch(variable::startsWith))
                .sorted()
                .findFirst()
                .ifPresent(variable -> {
                    throw new InvalidDatabasesException("The variable " + variable
                            + " of the environment is about no database that has a URL. The name of a database with a hyphen stands"
                            + " between two underscores there: " + VARIABLES
                            + "_EU_BILLING__URL is perdure.databases.eu-billing.url");
                });
    }

    /** The settings of one database alone, in one place or in two. */
    private record Own(List<OneDatabaseConfig> parts) {

        <T> Optional<T> find(Function<OneDatabaseConfig, Optional<T>> setting) {
            return parts.stream().map(setting).flatMap(Optional::stream).findFirst();
        }

        <T> Map<String, T> all(Function<OneDatabaseConfig, Map<String, T>> settings, Map<String, T> otherwise) {
            Map<String, T> own = new HashMap<>();
            parts.forEach(part -> own.putAll(settings.apply(part)));
            return own.isEmpty() ? otherwise : own;
        }
    }

    private static void check(String name, Own own, PerdureConfig config) {
        if (!isName(name)) {
            throw new InvalidDatabasesException("perdure.databases.\"" + name
                    + "\": the name of a database has small letters, digits and hyphens, begins and ends with no hyphen,"
                    + " and is 63 characters long at most");
        }
        boolean hasUrl = own.find(OneDatabaseConfig::url).isPresent();
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

    private static void web(PerdureConfig config, Set<String> names) {
        if (config.web().readUrl().isPresent() && names.size() > 1 && !names.contains(DEFAULT)) {
            throw new InvalidDatabasesException(
                    "perdure.web.read-url is a replica of one database, and there are several. Set perdure.databases."
                            + names.iterator().next() + ".web.read-url");
        }
        config.web().databases().orElse(List.of()).stream()
                .filter(name -> !names.contains(name))
                .findFirst()
                .ifPresent(name -> {
                    throw new InvalidDatabasesException("perdure.web.databases has " + name
                            + ", and there is no database of that name; there are: " + String.join(", ", names));
                });
    }

    private static DatabaseOptions of(PerdureConfig config, String name, Own own, int databases) {
        return new DatabaseOptions(
                name,
                own.find(OneDatabaseConfig::url)
                        .or(() -> name.equals(DEFAULT) ? config.database().url() : Optional.empty()),
                own.find(one -> one.login().passwordsDirectory())
                        .or(() -> config.login().passwordsDirectory()),
                own.all(one -> one.login().passwords(), config.login().passwords()),
                own.find(one -> one.secrets().directory())
                        .or(() -> config.secrets().directory()),
                own.find(one -> one.step().maxConcurrent()).orElse(config.step().maxConcurrent()),
                own.find(one -> one.step().roleReserve()).orElse(config.step().roleReserve()),
                own.find(one -> one.step().maxConcurrentPerRole())
                        .orElse(config.step().maxConcurrentPerRole()),
                own.find(OneDatabaseConfig::retentionDays).orElse(config.retentionDays()),
                own.find(OneDatabaseConfig::maxEndedInstances).orElse(config.maxEndedInstances()),
                memory(config) / databases,
                isInWeb(config, name) ? config.web().publicUrl() : Optional.empty(),
                own.find(one -> one.kubernetes().workerName())
                        .orElse(name.equals(DEFAULT) ? config.kubernetes().workerName() : name),
                own.all(one -> one.kubernetes().roles(), config.kubernetes().roles()),
                own.all(one -> one.web().roles(), config.web().roles()),
                own.find(one -> one.web().readUrl())
                        .or(() -> name.equals(DEFAULT) || databases == 1
                                ? config.web().readUrl()
                                : Optional.empty()));
    }

    /** Whether the dashboard serves it, where there is one. */
    public static boolean isInWeb(PerdureConfig config, String name) {
        return config.web().databases().map(some -> some.contains(name)).orElse(true);
    }

    /** The beginning of an address's path, by which it comes back to this database: nothing for {@link #DEFAULT}. */
    public static String placeOf(String name) {
        return name.equals(DEFAULT) ? "" : name + '/';
    }

    private static long memory(PerdureConfig config) {
        return config.memory()
                .limit()
                .map(limit -> limit.asLongValue())
                .orElse(Runtime.getRuntime().maxMemory() / 5 * 2);
    }
}
