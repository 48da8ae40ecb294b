using System.Net;
using OnCache.Kubernetes.Cli;
using OnCache.Operator.Cli;

namespace OnCache.Operator.Tests.Cli;

public sealed class OperatorCommandLineTests
{
    [Fact]
    public async Task Run_is_told_what_the_options_say()
    {
        var settings = await SettingsOf("run", "--kubeconfig", "k", "--namespace", "ns", "--lease-name", "l", "--identity", "me", "--http", "127.0.0.1:0", "--webhook", "[::]:1", "--no-webhook");

        settings.ShouldBe(new RunSettings
        {
            Kubeconfig = "k",
            Namespace = "ns",
            LeaseName = "l",
            Identity = "me",
            Http = new IPEndPoint(IPAddress.Loopback, 0),
            Webhook = new IPEndPoint(IPAddress.IPv6Any, 1),
            HasWebhook = false,
        });
    }

    [Fact]
    public async Task Two_replicas_on_one_host_have_different_names() =>
        (await SettingsOf("run")).Identity.ShouldNotBe((await SettingsOf("run")).Identity);

    [Theory]
    [InlineData("oncache-operator: --http: 80 is not accepted; use an address and a port such as 0.0.0.0:8080 (see oncache-operator --help)", "run", "--http", "80")]
    [InlineData("oncache-operator: --kubeconfig: the value is empty; name a FILE, or leave the option out (see oncache-operator --help)", "run", "--kubeconfig", "")]
    [InlineData("oncache-operator: --frob is not a command or option known here (see oncache-operator --help)", "run", "--frob")]
    [InlineData("oncache-operator: Option '--output' is required (see oncache-operator --help)", "crds")]
    public async Task A_wrong_command_line_is_one_line(string line, params string[] arguments)
    {
        var error = new StringWriter();

        var status = await OperatorCommandLine.InvokeAsync(arguments, (_, _) => Task.CompletedTask, new Streams(OperatorCommandLine.Program, TextWriter.Null, error), TestContext.Current.CancellationToken);

        status.ShouldBe(ExitStatus.Usage);
        error.ToString().ShouldBe(line + "\n");
    }

    [Fact]
    public async Task A_failure_is_one_line()
    {
        var error = new StringWriter();

        var status = await OperatorCommandLine.InvokeAsync(
            ["run"],
            (_, _) => throw new InvalidOperationException("no\nluck"),
            new Streams(OperatorCommandLine.Program, TextWriter.Null, error),
            TestContext.Current.CancellationToken);

        status.ShouldBe(ExitStatus.Failure);
        error.ToString().ShouldBe("oncache-operator: no luck\n");
    }

    [Fact]
    public async Task Manifests_are_written_and_a_changed_one_is_found()
    {
        var folder = Directory.CreateTempSubdirectory("oncache-crds-");
        try
        {
            (await Crds(folder.FullName)).Status.ShouldBe(ExitStatus.Success);
            (await Crds(folder.FullName, "--check")).ShouldBe((ExitStatus.Success, ""));

            var file = folder.GetFiles("*policies.yaml").ShouldHaveSingleItem().FullName;
            await File.AppendAllTextAsync(file, "# edited\n", TestContext.Current.CancellationToken);

            (await Crds(folder.FullName, "--check")).ShouldBe((ExitStatus.Failure, $"oncache-operator: {file}: differs from its type; run make manifests\n"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<(int Status, string Error)> Crds(string folder, params string[] more)
    {
        var error = new StringWriter();
        var status = await OperatorCommandLine.InvokeAsync(
            ["crds", "--output", folder, .. more],
            (_, _) => Task.CompletedTask,
            new Streams(OperatorCommandLine.Program, TextWriter.Null, error),
            TestContext.Current.CancellationToken);
        return (status, error.ToString());
    }

    private static async Task<RunSettings> SettingsOf(params string[] arguments)
    {
        RunSettings? settings = null;
        var status = await OperatorCommandLine.InvokeAsync(
            arguments,
            (given, _) =>
            {
                settings = given;
                return Task.CompletedTask;
            },
            new Streams(OperatorCommandLine.Program, TextWriter.Null, TextWriter.Null),
            TestContext.Current.CancellationToken);
        status.ShouldBe(ExitStatus.Success);
        return settings.ShouldNotBeNull();
    }
}
