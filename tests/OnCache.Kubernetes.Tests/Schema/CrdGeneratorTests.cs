using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Entities.Attributes;
using OnCache.Kubernetes.Schema;
using OnCache.Kubernetes.Serialization;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.Schema;

public sealed class CrdGeneratorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("crd-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_type_becomes_the_manifest_that_is_kept_beside_it() =>
        CrdGenerator.Render([typeof(Widget)])["tests.example.com_widgets.yaml"]
            .ShouldBe(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Schema", "widgets.yaml")));

    [Fact]
    public void The_same_types_give_the_same_text() =>
        CrdGenerator.Render([typeof(Widget)]).ShouldBe(CrdGenerator.Render([typeof(Widget)]));

    [Fact]
    public void A_check_finds_what_differs_and_what_is_left_over_and_writing_mends_it()
    {
        File.WriteAllText(Path.Combine(_folder, "kustomization.yaml"), "resources: []\n");
        File.WriteAllText(
            Path.Combine(_folder, "tests.example.com_olds.yaml"),
            "# Generated from the C# type Old: change that, not this file.\n");
        string[] drifted = ["tests.example.com_widgets.yaml", "tests.example.com_olds.yaml"];

        CrdGenerator.FindDrift([typeof(Widget)], _folder).ShouldBe(drifted);
        CrdGenerator.Write([typeof(Widget)], _folder).ShouldBe(drifted);
        CrdGenerator.FindDrift([typeof(Widget)], _folder).ShouldBeEmpty();

        File.AppendAllText(Path.Combine(_folder, "tests.example.com_widgets.yaml"), "# by hand\n");
        CrdGenerator.FindDrift([typeof(Widget)], _folder).ShouldBe(["tests.example.com_widgets.yaml"]);
        Directory.EnumerateFiles(_folder).Select(Path.GetFileName).ShouldBe(
            ["kustomization.yaml", "tests.example.com_widgets.yaml"],
            ignoreOrder: true);
    }

    [Fact]
    public void The_command_writes_checks_and_says_what_is_wrong()
    {
        var (status, output, error) = Run(_folder, "--check");
        (status, output).ShouldBe((1, string.Empty));
        error.ShouldBe($"{_folder}/tests.example.com_widgets.yaml: differs from its type\n");

        (status, output, error) = Run(_folder);
        (status, error).ShouldBe((0, string.Empty));
        output.ShouldBe($"{_folder}/tests.example.com_widgets.yaml: written\n");

        Run(_folder, "--check").ShouldBe((0, string.Empty, string.Empty));
        Run("--check").Status.ShouldBe(2);
        Run("--wrong").Error.ShouldBe("arguments \"--wrong\": expected FOLDER [--check]\n");
    }

    [Theory]
    [InlineData(typeof(Selfish), "Ring.Next: Ring contains itself")]
    [InlineData(typeof(Flagged), "FlaggedSpec.Flags")]
    [InlineData(typeof(Misplaced), "MisplacedSpec.Number: LengthAttribute is for string, but the field is integer")]
    [InlineData(typeof(Vague), "VagueSpec.Anything: no schema for System.Object")]
    public void What_no_schema_can_say_is_named(Type type, string named) =>
        Should.Throw<SchemaException>(() => CustomResourceDefinition.Of(type)).Message.ShouldContain(named);

    [Fact]
    public void A_type_without_the_attribute_is_named() =>
        Should.Throw<InvalidOperationException>(() => CustomResourceDefinition.Of(typeof(WidgetSpec))).Message.ShouldContain("WidgetSpec");

    [Fact]
    public void A_spec_with_required_fields_is_required()
    {
        var schema = CustomResourceDefinition.Of(typeof(Demanding))["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!;

        schema["required"]!.ToJsonString().ShouldBe("""["spec"]""");
        schema["properties"]!["spec"]!["required"]!.ToJsonString().ShouldBe("""["must","shall"]""");
        schema["properties"]!["spec"]!["default"].ShouldBeNull();
        JsonNode.DeepEquals(schema["properties"]!["spec"]!["properties"]!["shall"]!["default"], null).ShouldBeTrue();
    }

    private static (int Status, string Output, string Error) Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (CrdGenerator.Run(arguments, [typeof(Widget)], output, error), output.ToString(), error.ToString());
    }

    public sealed record Ring
    {
        public Ring? Next { get; init; }
    }

    [KubernetesEntity(Group = "g", Kind = "Selfish")]
    public sealed record Selfish : CustomKubernetesEntity<Ring>;

    [Flags]
    [JsonConverter(typeof(EnumText<Bits>))]
    public enum Bits
    {
        None = 0,
        One = 1,
    }

    public sealed record FlaggedSpec
    {
        public Bits Flags { get; init; }
    }

    [KubernetesEntity(Group = "g", Kind = "Flagged")]
    public sealed record Flagged : CustomKubernetesEntity<FlaggedSpec>;

    public sealed record MisplacedSpec
    {
        [Length(1, 2)]
        public int Number { get; init; }
    }

    [KubernetesEntity(Group = "g", Kind = "Misplaced")]
    public sealed record Misplaced : CustomKubernetesEntity<MisplacedSpec>;

    public sealed record VagueSpec
    {
        public object? Anything { get; init; }
    }

    [KubernetesEntity(Group = "g", Kind = "Vague")]
    public sealed record Vague : CustomKubernetesEntity<VagueSpec>;

    public sealed record DemandingSpec
    {
        [Required]
        public string Must { get; init; } = string.Empty;

        [Required]
        public int Shall { get; init; } = 3;
    }

    [KubernetesEntity(Group = "g", Kind = "Demanding")]
    public sealed record Demanding : CustomKubernetesEntity<DemandingSpec>;
}
