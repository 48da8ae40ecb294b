using System.CommandLine;
using System.Net;
using Microsoft.Extensions.Logging;
using OnCache.Kubernetes.Cli;

namespace OnCache.Operator.Cli;

/// <summary><c>oncache-operator run</c>: works until it is told to stop.</summary>
internal static class RunVerb
{
    public static Command Create(Func<RunSettings, CancellationToken, Task> run)
    {
        var defaults = new RunSettings();
        var kubeconfig = new Option<string?>("--kubeconfig") { HelpName = "FILE", Description = "how to reach the API server; left out, what kubectl would use or the pod's service account" };
        var home = new Option<string?>("--namespace") { HelpName = "NAME", Description = "namespace of the operator and the agents; left out, that of the configuration" };
        var lease = new Option<string>("--lease-name") { HelpName = "NAME", Description = "lease that replicas compete for", DefaultValueFactory = _ => defaults.LeaseName };
        var identity = new Option<string?>("--identity") { HelpName = "NAME", Description = "this replica's name, unlike any other's; left out, made from the host's name" };
        var http = EndPoint("--http", "address of health and metrics", defaults.Http);
        var webhook = EndPoint("--webhook", "address of the admission webhook", defaults.Webhook);
        var noWebhook = new Option<bool>("--no-webhook") { Description = "serve no admission webhook" };
        var verbose = new Option<bool>("--verbose") { Description = "log details" };
        foreach (var option in new Option[] { kubeconfig, home, lease, identity })
        {
            RefuseEmpty(option);
        }

        var command = new Command("run", "turn policies into configurations of nodes until stopped") { kubeconfig, home, lease, identity, http, webhook, noWebhook, verbose };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await run(
                defaults with
                {
                    Kubeconfig = parsed.GetValue(kubeconfig),
                    Namespace = parsed.GetValue(home),
                    LeaseName = parsed.GetRequiredValue(lease),
                    Identity = parsed.GetValue(identity) ?? defaults.Identity,
                    Http = parsed.GetValue(http) ?? defaults.Http,
                    Webhook = parsed.GetValue(webhook) ?? defaults.Webhook,
                    HasWebhook = !parsed.GetValue(noWebhook),
                    LogLevel = parsed.GetValue(verbose) ? LogLevel.Debug : defaults.LogLevel,
                },
                cancellationToken);
            return ExitStatus.Success;
        });
        return command;
    }

    // An unset variable in a script, most likely.
    private static void RefuseEmpty(Option option) => option.Validators.Add(result =>
    {
        if (result.Tokens is [{ Value.Length: 0 }])
        {
            result.AddError($"{option.Name}: the value is empty; name a {option.HelpName}, or leave the option out");
        }
    });

    private static Option<IPEndPoint?> EndPoint(string name, string description, IPEndPoint otherwise) => new(name)
    {
        HelpName = "IP:PORT",
        Description = $"{description} [default: {otherwise}]",
        CustomParser = result =>
        {
            // Without a colon the framework reads a lone number as an address.
            var text = result.Tokens[0].Value;
            if (text.Contains(':', StringComparison.Ordinal) && IPEndPoint.TryParse(text, out var value))
            {
                return value;
            }

            result.AddError($"{name}: {text} is not accepted; use an address and a port such as {otherwise}");
            return null;
        },
    };
}
