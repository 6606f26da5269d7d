package dev.perdure.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.quarkus.runtime.annotations.RegisterForReflection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;

class CommandsTest {

    private final JavaClasses cli = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.perdure.cli");

    @Test
    void a_native_executable_keeps_whatever_the_command_line_is_read_into() {
        classes()
                .that()
                .areAnnotatedWith(Command.class)
                .or()
                .implement(IVersionProvider.class)
                .should()
                .beAnnotatedWith(RegisterForReflection.class)
                .check(cli);
        fields().that()
                .areAnnotatedWith(Option.class)
                .should()
                .beDeclaredInClassesThat()
                .areAnnotatedWith(RegisterForReflection.class)
                .check(cli);
    }

    @ParameterizedTest
    @ValueSource(strings = {"setup", "doctor", "uninstall", "sql", "version"})
    void each_command_explains_itself(String command) {
        Call help = Call.of(command, "--help");

        assertThat(help.code()).isZero();
        assertThat(help.out()).startsWith("Usage: perdure " + command);
    }

    @Test
    void the_version_is_that_of_the_build() {
        assertThat(Call.of("--version").out())
                .startsWith("perdure ")
                .isEqualTo(Call.of("version").out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"setup", "doctor", "uninstall", "sql"})
    void a_database_that_is_not_configured_is_refused(String command) {
        Call unknown = Call.of(command, "--database", "nowhere");

        assertThat(unknown.code()).isEqualTo(2);
        assertThat(unknown.err()).contains("perdure.databases.nowhere.url is not set");
        assertThat(Call.of(command, "--database", "No Where").err()).contains("small letters");
    }

    @Test
    void a_database_is_chosen_by_its_name() {
        System.setProperty("perdure.databases.eu.url", "postgresql://df_worker@127.0.0.1:1/eu");
        System.setProperty("perdure.databases.us.url", "postgresql://df_worker@127.0.0.1:1/us");
        try {
            assertThat(Call.of("uninstall", "--database", "eu").out()).contains("in the database eu");
            assertThat(Call.of("uninstall", "--database", "us").out()).contains("in the database us");
            assertThat(Call.of("uninstall").err()).contains("--database names one of: eu, us");
            System.clearProperty("perdure.databases.us.url");
            assertThat(Call.of("uninstall").out()).as("the only one").contains("in the database eu");
        } finally {
            System.clearProperty("perdure.databases.eu.url");
            System.clearProperty("perdure.databases.us.url");
        }
    }

    @Test
    void an_unknown_command_is_refused_with_the_known_ones() {
        Call misspelt = Call.of("stup");

        assertThat(misspelt.code()).isEqualTo(2);
        assertThat(misspelt.err()).contains("setup");
    }
}
