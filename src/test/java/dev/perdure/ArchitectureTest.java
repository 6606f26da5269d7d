package dev.perdure;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.equivalentTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.perdure.flow.Interpreter;
import dev.perdure.graph.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The arrows between the rooms: which package may use which. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ArchitectureTest {

    private static final String BASE = "dev.perdure";

    /** What the rooms of the engine stand on. */
    private static final Set<String> PORTS = Set.of("graph", "flow", "database", "session", "store", "step");

    /** Each room and the rooms that it may use, itself and {@code config} aside. A room's name means those within it, too. */
    private static final Map<String, Set<String>> ARROWS = Map.ofEntries(
            Map.entry("config", Set.of()),
            Map.entry("graph", Set.of()),
            Map.entry("flow", Set.of("graph")),
            Map.entry("database", Set.of()),
            Map.entry("schema", Set.of("database")),
            Map.entry("session", Set.of("database", "store", "flow")),
            Map.entry("store", Set.of("graph", "flow", "database", "session")),
            Map.entry("step", Set.of("graph", "flow", "database", "session", "store")),
            Map.entry("leader", Set.of("database", "schema", "store")),
            Map.entry("engine.queue", Set.of()),
            // The statistics of HTTP steps are counted where they happen, and read with the others.
            Map.entry("engine.telemetry", Set.of("flow", "database", "step")),
            Map.entry("engine.actor", with(PORTS, "engine.queue", "engine.telemetry")),
            Map.entry("engine.owner", with(PORTS, "engine.queue", "engine.telemetry", "engine.actor")),
            Map.entry("engine.sql", with(PORTS, "engine.queue", "engine.telemetry", "engine.actor", "engine.owner")),
            Map.entry("engine.http", with(PORTS, "engine.queue", "engine.telemetry", "engine.actor", "engine.owner")),
            Map.entry("engine.map", with(PORTS, "engine.queue", "engine.actor", "engine.owner")),
            Map.entry("engine", with(PORTS, "engine", "leader")),
            Map.entry("control", Set.of("flow", "database", "store", "leader")),
            Map.entry("maintenance", Set.of("database", "store", "leader")),
            Map.entry("fleet", Set.of("database", "leader", "engine", "maintenance", "control")),
            Map.entry("kubernetes", Set.of("graph", "flow", "database", "session", "store", "leader", "fleet")),
            // The status of the election, whom the embedded server is for, logging in as steps do, blocks of addresses,
            // and what answers to steps are.
            Map.entry(
                    "web",
                    Set.of("database", "leader", "fleet", "embedded", "session", "step", "graph", "store", "flow")),
            Map.entry(
                    "ops",
                    Set.of(
                            "graph",
                            "flow",
                            "database",
                            "session",
                            "store",
                            "step",
                            "leader",
                            "engine",
                            "maintenance",
                            "control",
                            "fleet",
                            "kubernetes",
                            "web")),
            Map.entry("embedded", Set.of("database", "schema")),
            Map.entry("doctor", Set.of("database", "schema", "session")),
            Map.entry("setup", Set.of("database", "schema", "session")),
            Map.entry("cli", Set.of("database", "schema", "session", "embedded", "doctor", "setup")));

    private static final Set<String> PURE = Set.of("graph", "flow");

    private static final Path SOURCES = Path.of("src", "main", "java");
    private static final int LONGEST_FILE = 400;

    private final JavaClasses classes = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages(BASE);

    List<String> rooms() {
        return classes.stream()
                .map(ArchitectureTest::room)
                .filter(room -> !room.isEmpty())
                .distinct()
                .sorted()
                .toList();
    }

    @Test
    void every_room_has_its_arrows_written_down() {
        assertThat(ARROWS.keySet()).containsAll(rooms());
    }

    @ParameterizedTest
    @MethodSource("rooms")
    void a_room_uses_only_the_rooms_that_it_may(String room) {
        String inside = BASE + "." + room + (room.equals("engine") ? "" : "..");
        List<String> allowed = new ArrayList<>(List.of(inside, BASE + ".config.."));
        ARROWS.getOrDefault(room, Set.of()).forEach(other -> allowed.add(BASE + "." + other + ".."));

        noClasses()
                .that()
                .resideInAPackage(inside)
                .should()
                .dependOnClassesThat(
                        resideInAPackage(BASE + "..").and(not(resideInAnyPackage(allowed.toArray(String[]::new)))))
                .check(classes);
    }

    @Test
    void the_interpreter_knows_neither_database_nor_framework_nor_clock() {
        noClasses()
                .that(resideInAnyPackage(
                        PURE.stream().map(room -> BASE + "." + room + "..").toArray(String[]::new)))
                .should()
                .dependOnClassesThat(resideInAnyPackage(
                        "java.sql..",
                        "javax.sql..",
                        "java.net..",
                        "java.nio.file..",
                        "io.quarkus..",
                        "io.vertx..",
                        "jakarta.."))
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(java.time.Instant.class, "now")
                .check(classes);
    }

    @Test
    void what_workflows_wait_for_is_told_by_the_servers_clock() {
        noClasses()
                .that(resideInAnyPackage(
                        BASE + ".engine.actor..",
                        BASE + ".engine.owner..",
                        BASE + ".engine.queue..",
                        BASE + ".engine.sql.."))
                .should()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(java.time.Instant.class, "now")
                .orShould()
                .callMethod(java.time.Clock.class, "systemUTC")
                .check(classes);
    }

    @Test
    void the_interpreter_knows_rules_and_node_types_only_by_their_interfaces() {
        noClasses()
                .that()
                .resideInAPackage(BASE + ".flow")
                .and(not(equivalentTo(Interpreter.class)))
                .should()
                .dependOnClassesThat()
                .resideInAPackage(BASE + ".flow.rule..")
                .check(classes);
        noClasses()
                .that()
                .resideOutsideOfPackages(BASE + ".graph", BASE + ".flow.rule")
                .should()
                .dependOnClassesThat(assignableTo(Node.class).and(not(equivalentTo(Node.class))))
                .check(classes);
    }

    @Test
    void templates_and_results_know_no_nodes() {
        noClasses()
                .that()
                .resideInAnyPackage(BASE + ".flow.template", BASE + ".flow.result", BASE + ".flow.cron")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(BASE + ".flow", BASE + ".flow.rule", BASE + ".graph")
                .check(classes);
    }

    @Test
    void only_the_command_line_and_the_banner_print() {
        noClasses()
                .that()
                .resideOutsideOfPackage(BASE + ".cli..")
                .and()
                .doNotHaveFullyQualifiedName(PerdureMain.class.getName())
                .and()
                .doNotHaveFullyQualifiedName(Banner.class.getName())
                .should()
                .accessField(System.class, "out")
                .orShould()
                .accessField(System.class, "err")
                .check(classes);
    }

    @Test
    void log_lines_go_through_jboss_logging() {
        noClasses()
                .should()
                .dependOnClassesThat(
                        resideInAnyPackage("java.util.logging..", "org.slf4j..", "org.apache.commons.logging.."))
                .check(classes);
    }

    /** A class is initialised when the executable is built: its random numbers would be known to everybody, and the build refuses it. */
    @Test
    void nothing_random_is_kept_in_a_native_executable() {
        noFields()
                .that()
                .areStatic()
                .should()
                .haveRawType(assignableTo(Random.class))
                .check(classes);
    }

    @Test
    void every_package_says_what_lives_there_and_is_null_marked() {
        Set<String> marked = classes.stream()
                .filter(type -> type.getSimpleName().equals("package-info"))
                .filter(type -> type.isAnnotatedWith("org.jspecify.annotations.NullMarked"))
                .map(JavaClass::getPackageName)
                .collect(Collectors.toSet());
        Set<String> packages =
                classes.stream().map(JavaClass::getPackageName).collect(Collectors.toCollection(TreeSet::new));

        assertThat(marked).containsAll(packages);
    }

    @Test
    void no_source_file_has_more_than_400_lines() throws IOException {
        Map<String, Integer> tooLong = new TreeMap<>();
        try (Stream<Path> files = Files.walk(SOURCES)) {
            for (Path file :
                    files.filter(path -> path.toString().endsWith(".java")).toList()) {
                int lines = Files.readAllLines(file).size();
                if (lines > LONGEST_FILE) {
                    tooLong.put(SOURCES.relativize(file).toString(), lines);
                }
            }
        }

        assertThat(tooLong)
                .as("files with a second subject, which wants a class of its own")
                .isEmpty();
    }

    /** The engine is a floor of rooms, each other package is a room. */
    private static String room(JavaClass type) {
        String inside = type.getPackageName().substring(BASE.length());
        if (inside.isEmpty()) {
            return "";
        }
        return inside.startsWith(".engine.")
                ? inside.substring(1)
                : inside.substring(1).split("\\.", 2)[0];
    }

    private static Set<String> with(Set<String> rooms, String... more) {
        Set<String> all = new TreeSet<>(rooms);
        all.addAll(List.of(more));
        return all;
    }
}
