using System.Text.Json;
using OnCache.Agent.Telemetry;

namespace OnCache.Agent.Tests.Telemetry;

public sealed class StatusTextTests
{
    public static TheoryData<string> Cases => TestAssets.Cases("Telemetry");

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_status_reads_as_drawn(string name)
    {
        var status = JsonSerializer.Deserialize(TestAssets.Read("Telemetry", name, "status.json"), AgentJson.Default.AgentStatus)!;

        StatusText.Of(status).ShouldBe(TestAssets.Read("Telemetry", name, "expected.txt"));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void No_table_is_wider_than_a_page(string name) =>
        TestAssets.Read("Telemetry", name, "expected.txt").Split("\n\n", 2)[^1].Split('\n').ShouldAllBe(line => line.Length <= 100);
}
