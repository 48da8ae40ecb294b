using OnCache.Lab.Demo;

namespace OnCache.Lab.Tests.Demo;

public sealed class DemoVerdictTests
{
    [Fact]
    public void The_agents_status_is_read_from_its_json() =>
        AgentProcess.Parse("""{"ready":true,"other":[1],"totals":{"hits":7,"misses":2,"more":{}}}""").ShouldBe(new AgentStatus(true, 7, 2));

    [Theory]
    [InlineData("")]
    [InlineData("no json")]
    [InlineData("""{"ready":true}""")]
    [InlineData("""{"ready":1,"totals":{"hits":7,"misses":2}}""")]
    public void Anything_else_is_one_clear_line(string text) =>
        Should.Throw<LabException>(() => AgentProcess.Parse(text)).Message.ShouldStartWith("agent status: ");

    [Theory]
    [InlineData(0, 0, "no hits")]
    [InlineData(0, 500, "no hits")]
    [InlineData(80, 20, "hit ratio 0.800, below 0.9")]
    public void Without_the_fast_path_the_demonstration_objects(long hits, long misses, string why) =>
        new FastPathUse(hits, misses).Objection!.ShouldContain(why);

    [Fact]
    public void With_it_there_is_no_objection() => new FastPathUse(990, 10).Objection.ShouldBeNull();
}
