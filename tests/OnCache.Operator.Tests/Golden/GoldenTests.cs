using System.Text.Json.Nodes;

namespace OnCache.Operator.Tests.Golden;

/// <summary>A folder of <c>testassets</c> is a case: <c>in.yaml</c> has policies, nodes and node statuses, <c>out.yaml</c> what becomes of them.</summary>
public sealed class GoldenTests
{
    private static readonly string Root = Path.Combine(AppContext.BaseDirectory, "testassets");

    public static TheoryData<string> Cases => [.. Directory.GetDirectories(Root).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Policies_and_nodes_come_to(string name)
    {
        var actual = GoldenCase.Run(Read(name, "in.yaml"));
        var expected = Read(name, "out.yaml");

        var same = actual.Count == expected.Count
            && actual.Zip(expected).All(pair => JsonNode.DeepEquals(Plain(pair.First), Plain(pair.Second)));
        same.ShouldBeTrue($"{name}/out.yaml differs; what came out is\n{YamlDocuments.Write(actual)}");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_order_of_the_input_does_not_matter(string name)
    {
        var forwards = GoldenCase.Run(Read(name, "in.yaml"));
        var backwards = GoldenCase.Run([.. Read(name, "in.yaml").Reverse()]);

        Sorted(backwards).ShouldBe(Sorted(forwards));
    }

    private static IEnumerable<string> Sorted(IEnumerable<JsonObject> documents) => documents.Select(item => item.ToJsonString()).Order(StringComparer.Ordinal);

    // Numbers of one value may differ in their type until they have been text.
    private static JsonNode Plain(JsonNode node) => JsonNode.Parse(node.ToJsonString())!;

    private static IReadOnlyList<JsonObject> Read(string name, string file) => YamlDocuments.Read(File.ReadAllText(Path.Combine(Root, name, file)));
}
