using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using OnCache.Agent.Configuration;

namespace OnCache.Agent.Tests.Configuration;

public sealed partial class ConfigurationSourceTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    [Theory]
    [InlineData("nothing.yaml", "does not exist")]
    [InlineData("", "is a directory")]
    [InlineData("latin1.yaml", "is not UTF-8 text")]
    [InlineData("large.yaml", "is larger than 8 MiB")]
    public void What_cannot_be_a_configuration_is_one_problem(string name, string expected)
    {
        File.WriteAllBytes(_folder.Path("latin1.yaml"), [0x6e, 0xe9]);
        using (var large = File.Create(_folder.Path("large.yaml")))
        {
            large.SetLength((8 << 20) + 1);
        }

        var (source, problems) = Open(_folder.Path(name));

        source.ShouldBeNull();
        problems.ShouldHaveSingleItem().ToString().ShouldStartWith($"{_folder.Path(name)}: {expected}");
    }

    [Fact]
    public async Task An_edit_in_place_is_followed()
    {
        var (source, changes) = Watch(Write("node.yaml", "first"));

        Write("node.yaml", "second");

        (await NextAsync(changes)).ShouldBe("second");
        source.Current.Node.Spec.Policies[0].Name.ShouldBe("second");
        source.State.Error.ShouldBeNull();
    }

    [Fact]
    public async Task A_file_renamed_over_it_is_followed()
    {
        var (_, changes) = Watch(Write("node.yaml", "first"));

        File.Move(Write("node.yaml.new", "second"), _folder.Path("node.yaml"), overwrite: true);

        (await NextAsync(changes)).ShouldBe("second");
    }

    [Fact]
    public async Task The_links_of_a_ConfigMap_volume_are_followed()
    {
        Directory.CreateDirectory(_folder.Path("..1"));
        Directory.CreateDirectory(_folder.Path("..2"));
        Write("..1/node.yaml", "first");
        Write("..2/node.yaml", "second");
        File.CreateSymbolicLink(_folder.Path("..data"), "..1");
        File.CreateSymbolicLink(_folder.Path("node.yaml"), "..data/node.yaml");
        var (_, changes) = Watch(_folder.Path("node.yaml"));

        File.CreateSymbolicLink(_folder.Path("..data_tmp"), "..2");
        Rename(_folder.Path("..data_tmp"), _folder.Path("..data")).ShouldBe(0);

        (await NextAsync(changes)).ShouldBe("second");
    }

    [Fact]
    public async Task An_invalid_file_leaves_the_configuration_in_force_and_is_reported_until_it_is_mended()
    {
        var path = Write("node.yaml", "first");
        var (source, changes) = Watch(path);
        var next = NextAsync(changes);

        await File.WriteAllTextAsync(path, ConfigurationText.Minimal("n1").Replace("name: default", "nam: default", StringComparison.Ordinal), _end.Token);
        await UntilAsync(() => source.State.Error is not null);

        source.State.Error.ShouldNotBeNull().ShouldStartWith($"{path}:5: spec.policies[0].name: the field is missing");
        source.Current.Node.Spec.Policies[0].Name.ShouldBe("first");
        next.IsCompleted.ShouldBeFalse();

        Write("node.yaml", "second");
        (await next).ShouldBe("second");
        source.State.Error.ShouldBeNull();
    }

    [Fact]
    public async Task A_file_that_is_gone_is_reported_and_taken_up_when_it_is_back()
    {
        var path = Write("node.yaml", "first");
        var (source, changes) = Watch(path);
        var next = NextAsync(changes);

        File.Delete(path);
        await UntilAsync(() => source.State.Error is not null);
        source.State.Error.ShouldNotBeNull().ShouldContain("does not exist");

        Write("node.yaml", "first");
        (await next).ShouldBe("first");
        source.State.Error.ShouldBeNull();
    }

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
        _folder.Dispose();
    }

    // File.Move looks through the link and refuses; the kubelet renames it.
    [LibraryImport("libc", EntryPoint = "rename", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string from, string to);

    private static (ConfigurationSource? Source, IReadOnlyList<ConfigurationProblem> Problems) Open(string path) =>
        ConfigurationSource.Open(path, TimeProvider.System, NullLogger.Instance);

    private (ConfigurationSource Source, IAsyncEnumerator<AgentConfiguration> Changes) Watch(string path)
    {
        var source = Open(path).Source.ShouldNotBeNull();
        return (source, source.ChangesAsync(_end.Token).GetAsyncEnumerator(_end.Token));
    }

    private static async Task<string> NextAsync(IAsyncEnumerator<AgentConfiguration> changes)
    {
        (await changes.MoveNextAsync().AsTask().WaitAsync(Patience)).ShouldBeTrue();
        return changes.Current.Node.Spec.Policies[0].Name;
    }

    private async Task UntilAsync(Func<bool> holds)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        patience.CancelAfter(Patience);
        while (!holds())
        {
            await Task.Delay(10, patience.Token);
        }
    }

    private string Write(string name, string policy)
    {
        var path = _folder.Path(name);
        File.WriteAllText(path, ConfigurationText.Minimal("n1", policy));
        return path;
    }
}
