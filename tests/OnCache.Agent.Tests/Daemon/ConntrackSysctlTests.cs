using OnCache.Agent.Daemon;

namespace OnCache.Agent.Tests.Daemon;

public sealed class ConntrackSysctlTests
{
    [Theory]
    [InlineData("17\n", "1000\n", true)]
    [InlineData("17\n", "-1\n", false)]
    [InlineData("17\n", "", false)]
    [InlineData("", "1000\n", false)]
    [InlineData("17\n", null, false)]
    public void What_is_no_count_and_no_limit_is_none(string entries, string? maximum, bool told)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.Path("nf_conntrack_count"), entries);
        if (maximum is not null)
        {
            File.WriteAllText(folder.Path("nf_conntrack_max"), maximum);
        }

        new ConntrackSysctl(folder.Path()).Use.ShouldBe(told ? (17, 1000) : null);
    }
}
