using OnCache.Agent.Tests.Datapath.Cases;

namespace OnCache.Agent.Tests.Datapath;

/// <summary>Every case of the fixtures through the programs in the kernel.</summary>
public sealed class PacketCaseTests(Stage stage) : IClassFixture<Stage>
{
    private static readonly IReadOnlyList<(string Program, PacketCase Case)> s_cases = CaseReader.All();

    public static TheoryData<string, string> Names()
    {
        var names = new TheoryData<string, string>();
        foreach (var (program, item) in s_cases)
        {
            names.Add(program, item.Name);
        }

        return names;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Case(string program, string name)
    {
        var item = s_cases.Single(pair => pair.Program == program && pair.Case.Name == name).Case;

        new CaseRun(stage, program, item).Check();
    }
}
